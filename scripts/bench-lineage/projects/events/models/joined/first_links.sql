{{ config(materialized='ephemeral') }}

select visitor_id, user_id
from {{ ref('clean_devices') }}
qualify row_number() over (partition by visitor_id order by linked_at, user_id) = 1
