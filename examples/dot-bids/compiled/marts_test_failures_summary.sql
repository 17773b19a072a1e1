select test_name, state, failures
from (
    select 'accepted_values_fct_bids_bid_status__awarded__submitted__withdrawn__non_responsive' as test_name, '(all)' as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."accepted_values_fct_bids_01e6a6186307920b4f7ec79667ef4703" group by 1, 2
    union all
    select 'accepted_values_letting_events_event_type__opened__awarded' as test_name, '(all)' as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."accepted_values_letting_events_event_type__opened__awarded" group by 1, 2
    union all
    select 'accepted_values_stg_lettings_status__awarded__open__cancelled' as test_name, '(all)' as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."accepted_values_stg_lettings_status__awarded__open__cancelled" group by 1, 2
    union all
    select 'accepted_values_stg_vendors_certification__DBE__MBE__WBE__SBE__NONE' as test_name, '(all)' as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."accepted_values_stg_vendors_1bce14e02ff6457bee033f2fd4bba43f" group by 1, 2
    union all
    select 'assert_catalog_validation_100_percent' as test_name, cast(state as varchar) as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."assert_catalog_validation_100_percent" group by 1, 2
    union all
    select 'assert_low_bid_near_estimate' as test_name, cast(state as varchar) as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."assert_low_bid_near_estimate" group by 1, 2
    union all
    select 'bid_extension_total_wrong' as test_name, cast(state as varchar) as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."bid_extension_total_wrong" group by 1, 2
    union all
    select 'duplicate_identifier' as test_name, cast(state as varchar) as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."duplicate_identifier" group by 1, 2
    union all
    select 'not_null_fct_bids_bid_id' as test_name, cast(state as varchar) as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."not_null_fct_bids_bid_id" group by 1, 2
    union all
    select 'not_null_fct_bids_vendor_name' as test_name, cast(state as varchar) as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."not_null_fct_bids_vendor_name" group by 1, 2
    union all
    select 'not_null_fct_lettings_district_name' as test_name, cast(state as varchar) as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."not_null_fct_lettings_district_name" group by 1, 2
    union all
    select 'not_null_fct_lettings_letting_key' as test_name, cast(state as varchar) as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."not_null_fct_lettings_letting_key" group by 1, 2
    union all
    select 'not_null_fct_lettings_working_days' as test_name, cast(state as varchar) as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."not_null_fct_lettings_working_days" group by 1, 2
    union all
    select 'not_null_fct_line_items_line_item_id' as test_name, cast(state as varchar) as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."not_null_fct_line_items_line_item_id" group by 1, 2
    union all
    select 'not_null_fct_line_items_unit_name' as test_name, cast(state as varchar) as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."not_null_fct_line_items_unit_name" group by 1, 2
    union all
    select 'not_null_letting_events_event_date' as test_name, cast(state as varchar) as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."not_null_letting_events_event_date" group by 1, 2
    union all
    select 'not_null_stg_bids_bid_id' as test_name, cast(state as varchar) as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."not_null_stg_bids_bid_id" group by 1, 2
    union all
    select 'not_null_stg_bids_bids_value' as test_name, cast(state as varchar) as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."not_null_stg_bids_bids_value" group by 1, 2
    union all
    select 'not_null_stg_lettings_engineer_estimate' as test_name, cast(state as varchar) as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."not_null_stg_lettings_engineer_estimate" group by 1, 2
    union all
    select 'not_null_stg_lettings_letting_date' as test_name, cast(state as varchar) as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."not_null_stg_lettings_letting_date" group by 1, 2
    union all
    select 'not_null_stg_line_items_ext_total' as test_name, cast(state as varchar) as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."not_null_stg_line_items_ext_total" group by 1, 2
    union all
    select 'not_null_stg_vendors_vendor_id' as test_name, cast(state as varchar) as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."not_null_stg_vendors_vendor_id" group by 1, 2
    union all
    select 'not_null_stg_vendors_vendor_name' as test_name, cast(state as varchar) as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."not_null_stg_vendors_vendor_name" group by 1, 2
    union all
    select 'relationships_fct_line_items_bid_id__bid_id__ref_fct_bids_' as test_name, '(all)' as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."relationships_fct_line_items_bid_id__bid_id__ref_fct_bids_" group by 1, 2
    union all
    select 'relationships_stg_bids_letting_key__letting_key__ref_stg_lettings_' as test_name, '(all)' as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."relationships_stg_bids_dd06f3c093bfe9abb55191ff2291eadc" group by 1, 2
    union all
    select 'relationships_stg_bids_vendor_id__vendor_id__ref_stg_vendors_' as test_name, '(all)' as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."relationships_stg_bids_vendor_id__vendor_id__ref_stg_vendors_" group by 1, 2
    union all
    select 'relationships_stg_item_catalog_category_code__category_code__ref_item_categories_' as test_name, '(all)' as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."relationships_stg_item_catalog_e48146da08f361cbc8e47477b461f3e8" group by 1, 2
    union all
    select 'relationships_stg_line_items_bid_id__bid_id__ref_stg_bids_' as test_name, '(all)' as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."relationships_stg_line_items_bid_id__bid_id__ref_stg_bids_" group by 1, 2
    union all
    select 'source_not_null_dot_portal_bids_bid_id' as test_name, cast(state as varchar) as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."source_not_null_dot_portal_bids_bid_id" group by 1, 2
    union all
    select 'source_not_null_dot_portal_lettings_letting_key' as test_name, cast(state as varchar) as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."source_not_null_dot_portal_lettings_letting_key" group by 1, 2
    union all
    select 'source_not_null_dot_portal_line_items_line_item_id' as test_name, cast(state as varchar) as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."source_not_null_dot_portal_line_items_line_item_id" group by 1, 2
    union all
    select 'source_unique_dot_portal_bids_bid_id' as test_name, '(all)' as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."source_unique_dot_portal_bids_bid_id" group by 1, 2
    union all
    select 'source_unique_dot_portal_line_items_line_item_id' as test_name, '(all)' as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."source_unique_dot_portal_line_items_line_item_id" group by 1, 2
    union all
    select 'source_unique_reference_vendors_vendor_id' as test_name, '(all)' as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."source_unique_reference_vendors_vendor_id" group by 1, 2
    union all
    select 'unique_combination_of_columns_state_months_state__month' as test_name, cast(state as varchar) as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."unique_combination_of_columns_state_months_state__month" group by 1, 2
    union all
    select 'unique_combination_of_columns_stg_item_catalog_state__item_code__spec_year' as test_name, cast(state as varchar) as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."unique_combination_of_columns__1f0d8fc2a287412e074afac1bd7dbaaa" group by 1, 2
    union all
    select 'unique_dim_vendors_vendor_id' as test_name, '(all)' as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."unique_dim_vendors_vendor_id" group by 1, 2
    union all
    select 'unique_fct_bids_bid_id' as test_name, '(all)' as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."unique_fct_bids_bid_id" group by 1, 2
    union all
    select 'unique_fct_lettings_letting_key' as test_name, '(all)' as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."unique_fct_lettings_letting_key" group by 1, 2
    union all
    select 'unique_fct_line_items_line_item_id' as test_name, '(all)' as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."unique_fct_line_items_line_item_id" group by 1, 2
    union all
    select 'unique_stg_bids_bid_id' as test_name, '(all)' as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."unique_stg_bids_bid_id" group by 1, 2
    union all
    select 'unique_stg_line_items_line_item_id' as test_name, '(all)' as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."unique_stg_line_items_line_item_id" group by 1, 2
    union all
    select 'unique_stg_vendors_vendor_id' as test_name, '(all)' as state, count(*) as failures from "dot_bids"."dbt_demo_test_failures"."unique_stg_vendors_vendor_id" group by 1, 2
) as counted
where failures > 0
