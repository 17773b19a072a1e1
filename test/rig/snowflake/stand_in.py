"""A stand-in for Snowflake over HTTP on 127.0.0.1: fakesnow (Snowflake's SQL on DuckDB), made to answer Snowflake's Node
driver, which reads JSON rows of text where fakesnow knows Arrow alone. Python's connector, and so dbt-snowflake, is answered
by fakesnow itself. Besides: statements end when they are cancelled or time out, results end at ROWS_PER_RESULTSET, and a
quoted name is taken in its exact case. Knows no audit.

usage: stand_in.py [DUCKDB_FILE DATABASE]   (tables of the file become tables of the database, in upper case)
Prints its port when it is ready, and ends when its standard input does.
"""

import asyncio
import gzip
import json
import re
import sys
import threading
import uuid

import duckdb
import fakesnow.cursor
import fakesnow.server as fake
import pyarrow
import snowflake.connector.errors as errors
import uvicorn
from fakesnow import transforms
from fakesnow.dialect import parse_one
from fakesnow.rowtype import describe_as_rowtype
from fakesnow.statement_type import statement_type_id
from names import WrongName, check_names
from sqlglot import exp
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Route

# Sessions of the Node driver; each runs its statements in cursors of its own, so that they can be cancelled one by one.
node_sessions: dict[str, dict] = {}
running: dict[str, dict] = {}
making = threading.Lock()


def trim_as_text(node):
    """fakesnow 0.12.1 forgets which characters TRIM, LTRIM and RTRIM take away."""
    if not isinstance(node, exp.Trim) or isinstance(node.this, exp.Cast):
        return node
    return exp.Trim(**{**node.args, "this": exp.Cast(this=node.this, to=exp.DataType.build("VARCHAR"))})


transforms.trim_cast_varchar = trim_as_text


async def body_of(request):
    body = await request.body()
    if request.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    return json.loads(body) if body else {}


async def login_request(request):
    body = await body_of(request)
    if body["data"].get("CLIENT_APP_ID") == "JavaScript" and body["data"].get("PASSWORD") == "wrong":
        return refused("390100", "Incorrect username or password was specified.")
    answer = await fake.login_request(request)
    if body["data"].get("CLIENT_APP_ID") == "JavaScript":
        data = json.loads(answer.body)
        token = data["data"]["token"]
        node_sessions[token] = {"parameters": {}, "role": request.query_params.get("roleName")}
        data["data"].update(masterToken=token, validityInSeconds=3600, masterValidityInSeconds=14400, sessionId=1)
        # Names of parameters that fakesnow does not know are the driver's own affair.
        return JSONResponse(data)
    return answer


def refused(code, message, state="42000", query_id=None):
    data = {"errorCode": code, "sqlState": state, "queryId": query_id or str(uuid.uuid4())}
    return JSONResponse({"data": data, "code": code, "message": message, "success": False})


async def query_request(request):
    token = fake.to_token(request)
    session = node_sessions.get(token)
    if session is None:
        return await fake.query_request(request)
    connection = fake.sessions.get(token)
    if connection is None:
        return refused("390104", "User must login again to access the service.")
    body = await body_of(request)
    sql = body["sqlText"]
    parameters = {**session["parameters"], **(body.get("parameters") or {})}
    task = {"why": None, "connection": None}
    running[request.query_params["requestId"]] = task
    try:
        return await run_in_threadpool(answer, connection, session, sql, parameters, bool(body.get("describeOnly")), task)
    finally:
        running.pop(request.query_params["requestId"], None)


def answer(connection, session, sql, parameters, describe_only, task):
    # Its own DuckDB connection: an interrupt hits this statement only.
    with making:
        cursor = fakesnow.cursor.FakeSnowflakeCursor(connection, connection._duck_conn.cursor())
        if connection.schema_set:
            cursor._duck_conn.execute(f"SET schema='{connection.database}.{connection._schema}'")
    task["connection"] = cursor._duck_conn
    timer = threading.Timer(float(parameters.get("STATEMENT_TIMEOUT_IN_SECONDS") or 172800), interrupt, (task, "timeout"))
    timer.daemon = True
    timer.start()
    try:
        if found := session_statement(session, sql):
            expression, cursor_sql = parse_one("select 1"), found
        else:
            expression, cursor_sql = parse_one(sql), sql
            check_names(expression, cursor._duck_conn, connection)
            if isinstance(expression, exp.Query):
                cursor_sql = expression.transform(halves_of_md5).sql(dialect="snowflake")
        if describe_only:
            cursor.execute(f"DESCRIBE {cursor_sql}")
            rowtype, table = describe_as_rowtype(cursor.fetchall()), None
        else:
            cursor.execute(cursor_sql, server=True)
            rowtype, table = describe_as_rowtype(described(cursor)), cursor._arrow_table
        limit = int(parameters.get("ROWS_PER_RESULTSET") or 0)
        if table is not None and limit > 0:
            table = table.slice(0, limit)
        rowset = rows_of(table, rowtype)
        return JSONResponse(
            {
                "data": {
                    "parameters": [{"name": name, "value": value} for name, value in parameters.items()],
                    "rowtype": rowtype,
                    "rowset": rowset,
                    "queryResultFormat": "json",
                    "total": len(rowset),
                    "returned": len(rowset),
                    "queryId": cursor.sfqid or str(uuid.uuid4()),
                    "statementTypeId": statement_type_id(expression),
                    "finalDatabaseName": connection.database,
                    "finalSchemaName": connection.schema,
                    "version": 1,
                },
                "success": True,
            }
        )
    except duckdb.InterruptException:
        if task["why"] == "timeout":
            return refused("000630", "Statement reached its statement or warehouse timeout and was canceled.", "57014")
        return refused("000604", "SQL execution canceled", "57014")
    except WrongName as error:
        return refused("000904", f"SQL compilation error: error line 1 at position 0\ninvalid identifier '{error}'", "42000")
    except (errors.ProgrammingError, errors.OperationalError) as error:
        return as_snowflake(error)
    except Exception as error:  # noqa: BLE001
        print(f"stand-in: {type(error).__name__}: {error}\n{sql}", file=sys.stderr, flush=True)
        return refused("001003", f"SQL compilation error:\n{type(error).__name__}: {error}")
    finally:
        timer.cancel()
        cursor._duck_conn.close()


def halves_of_md5(node):
    """By the names that DuckDB has for them; sqlglot writes others."""
    names = {"MD5NumberLower64": "md5_number_lower", "MD5NumberUpper64": "md5_number_upper"}
    name = names.get(type(node).__name__)
    return exp.Anonymous(this=name, expressions=[node.this]) if name else node


def described(cursor):
    # fakesnow's own look opens a cursor of the session; here it must be this statement's.
    cursor._duck_conn.execute(f"DESCRIBE {cursor._last_sql}")
    return cursor._duck_conn.fetchall()


def session_statement(session, sql):
    """What fakesnow does not know, and is of no concern to DuckDB: a statement that says that it was done."""
    if match := re.match(r"alter\s+session\s+set\s+(.*)", sql, re.IGNORECASE | re.DOTALL):
        session["parameters"].update(re.findall(r"(\w+)\s*=\s*'([^']*)'", match[1]))
        return "select 'Statement executed successfully.' as status"
    if re.match(r"use\s+secondary\s+roles\s+\w+\s*$", sql, re.IGNORECASE):
        return "select 'Statement executed successfully.' as status"
    if re.match(r"select current_user\(\), current_role\(\)", sql, re.IGNORECASE):
        return f"""select 'FAKE', '{session["role"] or "PUBLIC"}', 'WH', '{{"roles":"","value":""}}'"""
    if re.match(r"show\s+grants\s+to\s+role", sql, re.IGNORECASE):
        return """select 'SELECT' as "privilege", 'TABLE' as "granted_on", 'T' as "name" limit 0"""
    return None


def as_snowflake(error):
    """DuckDB's words as Snowflake's, where a reader goes by them."""
    message = error.msg or str(error)
    if error.errno == 2003 and (match := re.search(r"with name \"?([^\s!\"]+)\"? does not exist", message)):
        message = f"SQL compilation error:\nObject '{match[1].upper()}' does not exist or not authorized."
    elif error.errno == 2043:
        match = re.search(r'column "([^"]+)"|Column named "([^"]+)"', message)
        name = next((found for found in match.groups() if found), "?") if match else "?"
        return refused("000904", f"SQL compilation error: error line 1 at position 0\ninvalid identifier '{name}' ({message})")
    return refused(f"{error.errno:06d}", message, error.sqlstate)


def rows_of(table, rowtype):
    """Each value as the text that Snowflake's JSON results have for it."""
    if table is None:
        return []
    columns = [texts(table.column(index), info["type"]) for index, info in enumerate(rowtype)]
    return [list(row) for row in zip(*columns)]


def texts(column, kind):
    if kind in ("timestamp_ntz", "timestamp_ltz", "timestamp_tz", "date", "time"):
        return [None if value is None else instant(value, column.type, kind) for value in counts(column)]
    if kind == "binary":
        return [None if value is None else value.hex().upper() for value in column.to_pylist()]
    if kind == "boolean":
        return [None if value is None else "1" if value else "0" for value in column.to_pylist()]
    if kind == "real":
        return [None if value is None else repr(value).removesuffix(".0") for value in column.to_pylist()]
    return [None if value is None else plain(value) for value in column.to_pylist()]


def plain(value):
    # A decimal in full, never as 1E+5.
    return format(value, "f") if type(value).__name__ == "Decimal" else str(value)


def counts(column):
    kind = pyarrow.int32() if pyarrow.types.is_date32(column.type) else pyarrow.int64()
    return column.cast(kind).to_pylist()


def instant(value, kind, name):
    if name == "date":
        return str(value)
    each = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}[kind.unit]
    seconds, rest = divmod(value, each)
    text = f"{seconds}.{rest * (1_000_000_000 // each):09d}"
    # Minutes east of UTC, and a day.
    return f"{text} 1440" if name == "timestamp_tz" else text


def interrupt(task, why):
    task["why"] = task["why"] or why
    if task["connection"] is not None:
        task["connection"].interrupt()


async def abort_request(request):
    body = await body_of(request)
    task = running.get(body.get("requestId", ""))
    if task is not None:
        interrupt(task, "cancel")
    return JSONResponse({"data": None, "success": True})


async def run(request):
    """For tests: statements of Snowflake's SQL as whoever owns everything."""
    body = await body_of(request)
    connection = fake.shared_fs.connect(body["database"], body["schema"])
    rows = []
    for sql in body["statements"]:
        try:
            rows = [list(map(str, row)) for row in connection.cursor().execute(sql).fetchall()]
        except Exception as error:  # noqa: BLE001
            return JSONResponse({"error": f"{error}: {sql}"})
    return JSONResponse({"rows": rows})


async def telemetry(_request):
    return JSONResponse({"success": True})


async def end_session(request):
    node_sessions.pop(fake.to_token(request), None)
    return await fake.session(request)


def load(file, database):
    """Tables of a DuckDB file, with their names as Snowflake stores what nobody quoted."""
    fake.shared_fs.connect(database, "PUBLIC")
    duck = fake.shared_fs.duck_conn
    duck.execute(f"attach '{file}' as src (read_only)")
    tables = duck.execute("select schema_name, table_name from duckdb_tables() where database_name = 'src'").fetchall()
    for schema, table in tables:
        columns = duck.execute(
            "select column_name from duckdb_columns() where database_name = 'src' and schema_name = ? and table_name = ?"
            " order by column_index",
            [schema, table],
        ).fetchall()
        names = ", ".join(f'"{name}" as "{name.upper()}"' for (name,) in columns)
        # DuckDB has made `main` itself, in lower case.
        place = "PUBLIC" if schema == "main" else schema.upper()
        duck.execute(f'create schema if not exists "{database}"."{place}"')
        duck.execute(f'create table "{database}"."{place}"."{table.upper()}" as select {names} from src."{schema}"."{table}"')
    duck.execute("detach src")


routes = {
    "/session/v1/login-request": login_request,
    "/queries/v1/query-request": query_request,
    "/queries/v1/abort-request": abort_request,
    "/telemetry/send": telemetry,
    "/session": end_session,
    "/rig/run": run,
}
mine = [Route(path, handler, methods=["POST"]) for path, handler in routes.items()]
app = Starlette(routes=[*mine, *(route for route in fake.routes if route.path not in routes)])

if __name__ == "__main__":
    # SQL that nests deeply is walked by recursion, many times.
    sys.setrecursionlimit(50_000)
    if sys.argv[1:]:
        load(*sys.argv[1:])
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))

    def watch():
        sys.stdin.buffer.read()
        server.should_exit = True

    async def serve():
        serving = asyncio.ensure_future(server.serve())
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        if server.started:
            print(server.servers[0].sockets[0].getsockname()[1], flush=True)
        await serving

    threading.Thread(target=watch, daemon=True).start()
    asyncio.run(serve())
