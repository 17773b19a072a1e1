"""Names as Snowflake reads them: unquoted ones in upper case, quoted ones as they are. DuckDB takes them in any case, so that
a SELECT which Snowflake refuses would pass; this refuses it. Only what it surely knows: relations and their columns."""

from sqlglot import exp
from sqlglot.errors import OptimizeError, SchemaError
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema


class WrongName(Exception):
    pass


def check_names(expression, duck, connection):
    if not isinstance(expression, exp.Query):
        return
    tables = [table for table in expression.find_all(exp.Table) if isinstance(table.this, exp.Identifier)]
    with_names = {cte.alias_or_name.upper() for cte in expression.find_all(exp.CTE)}
    if any(table.db.upper() == "INFORMATION_SCHEMA" for table in tables):
        return
    schema = {}
    for table in tables:
        if not table.db and table.name.upper() in with_names:
            continue
        database = part(table.args.get("catalog")) or connection.database
        place = part(table.args.get("db")) or connection.schema
        columns = columns_of(duck, database, place, part(table.this))
        if columns is None:
            continue
        schema.setdefault(database, {}).setdefault(place, {})[part(table.this)] = columns
    try:
        qualify(
            expression.copy(),
            dialect="snowflake",
            catalog=connection.database,
            db=connection.schema,
            schema=MappingSchema(schema, dialect="snowflake", normalize=False),
            quote_identifiers=False,
            validate_qualify_columns=True,
            expand_stars=True,
        )
    except (OptimizeError, SchemaError) as error:
        text = str(error)
        if "could not be resolved" in text or "Unknown column" in text:
            raise WrongName(text) from None


def part(identifier):
    """As the warehouse stores it."""
    if identifier is None:
        return None
    return identifier.name if identifier.args.get("quoted") else identifier.name.upper()


def columns_of(duck, database, schema, table):
    """Null where DuckDB does not know it either: then it says so itself. Stored in another case: refused here."""
    rows = duck.execute(
        "select database_name, schema_name, table_name, column_name from duckdb_columns() where upper(database_name) = upper(?)"
        " and upper(schema_name) = upper(?) and upper(table_name) = upper(?) order by column_index",
        [database, schema, table],
    ).fetchall()
    if not rows:
        return None
    stored = rows[0][:3]
    if stored[0].upper() != database.upper() or stored[1:] != (schema, table):
        raise WrongName(".".join([database, schema, table]))
    return {name: "TEXT" for *_rest, name in rows}
