-- template_experiments: whether the A or the B of an invite template won over more contacts.
--
-- Accepted as in contact_engagement. An experiment is an agent who sent both variants under one template
-- name; templates of equal name and variant are pooled, whoever owns them. A template that no longer
-- exists or has no variant takes no part. lift is (B - A) / A, null where nobody accepted A; difference is
-- B - A; both stand on both rows, like p_value and enough_data (30 sent of each). The query leaves
-- wilson_low, wilson_high (Wilson's 95 % interval) and p_value (the pooled two-proportion z-test, two-sided;
-- null where nobody or everybody accepted) null: the library completes them.
--
-- +++
-- topic = "invites"
-- grain = "one row per sending agent, template name and variant, where both A and B were sent"
-- inputs = ["raw.invite_templates", "raw.invites"]
-- statistics = "two_proportions"
-- order = "agent_id, template_name, variant"
--
-- [params]
-- as_of = "timestamptz, exclusive"
--
-- [columns]
-- agent_id = "user id of the sender"
-- template_name = "name of the template"
-- variant = "A or B"
-- sent = ["invites", "invites sent with the variant before as_of"]
-- accepted = ["invites", "those that were accepted"]
-- acceptance = ["ratio", "accepted / sent"]
-- wilson_low = ["ratio", "lower end of Wilson's 95 % interval of accepted / sent, without continuity correction"]
-- wilson_high = ["ratio", "upper end of it"]
-- lift = ["ratio", "(B - A) / A, null where nobody accepted A"]
-- difference = ["ratio", "B - A, 0.1 being ten percentage points"]
-- p_value = ["ratio", "two-sided, of the pooled two-proportion z-test; null where nobody or everybody accepted"]
-- enough_data = "whether both variants were sent at least 30 times; the figures stand all the same"
-- +++

with

outcomes as (

    select
        invites.agent_id,
        invite_templates.name as template_name,
        invite_templates.ab_test_variant as variant,
        coalesce(invites.accepted_at < $as_of, invites.status = 'accepted', false) as is_accepted
    from raw.invites as invites
    inner join raw.invite_templates as invite_templates
        on invites.template_id = invite_templates.id
    where invites.sent_at < $as_of

),

variants as (

    select
        agent_id,
        template_name,
        variant,
        count(*) as sent,
        count(case when is_accepted then 1 end) as accepted
    from outcomes
    where variant in ('A', 'B')
    group by agent_id, template_name, variant

),

-- Both shares over the common denominator sent_a x sent_b.
experiments as (

    select
        variant_a.agent_id,
        variant_a.template_name,
        variant_a.sent >= 30 and variant_b.sent >= 30 as enough_data,
        cast(variant_a.accepted as hugeint) * variant_b.sent as share_a,
        cast(variant_b.accepted as hugeint) * variant_a.sent as share_b,
        cast(variant_a.sent as hugeint) * variant_b.sent as whole
    from variants as variant_a
    inner join variants as variant_b
        on
            variant_a.agent_id = variant_b.agent_id
            and variant_a.template_name = variant_b.template_name
    where
        variant_a.variant = 'A'
        and variant_b.variant = 'B'

),

final as (

    select
        variants.agent_id,
        variants.template_name,
        variants.variant,
        variants.sent,
        variants.accepted,
        cast((2 * 1000000 * variants.accepted + variants.sent) // (2 * variants.sent) as decimal(38, 0))
        * 0.000001 as acceptance,
        cast(null as decimal(38, 6)) as wilson_low,
        cast(null as decimal(38, 6)) as wilson_high,
        cast(
            sign(experiments.share_b - experiments.share_a)
            * (
                (2 * 1000000 * abs(experiments.share_b - experiments.share_a) + experiments.share_a)
                // (2 * nullif(experiments.share_a, 0))
            ) as decimal(38, 0)
        ) * 0.000001 as lift,
        cast(
            sign(experiments.share_b - experiments.share_a)
            * (
                (2 * 1000000 * abs(experiments.share_b - experiments.share_a) + experiments.whole)
                // (2 * experiments.whole)
            ) as decimal(38, 0)
        ) * 0.000001 as difference,
        cast(null as decimal(38, 6)) as p_value,
        experiments.enough_data
    from variants
    inner join experiments
        on
            variants.agent_id = experiments.agent_id
            and variants.template_name = experiments.template_name

)

select * from final
order by agent_id, template_name, variant
