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
-- statistics = "two_proportions"
-- unit = { agent = "agent_id" }
-- order = "agent_id, template_name, variant"
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
--
-- [slices.variants]
-- measures = ["invites_sent", "invites_accepted"]
-- by = ["agent", "template.name", "template.variant"]
-- where = { "template.variant" = ["A", "B"] }
-- at = { agent = "agent_id", "template.name" = "template_name", "template.variant" = "variant" }
--
-- [slices.both]
-- measures = ["invites_sent", "invites_accepted"]
-- where = { "template.variant" = ["A", "B"] }
-- at = { agent = "agent_id", "template.name" = "template_name" }
--
-- [shows]
-- sent = "variants.invites_sent"
-- accepted = "variants.invites_accepted"
-- acceptance = "variants.invites_accepted / variants.invites_sent"
-- wilson_low = "compare variants.invites_accepted / variants.invites_sent"
-- wilson_high = "compare variants.invites_accepted / variants.invites_sent"
-- lift = "compare both.invites_accepted / both.invites_sent"
-- difference = "compare both.invites_accepted / both.invites_sent"
-- p_value = "compare both.invites_accepted / both.invites_sent"
-- enough_data = "compare both.invites_sent"
-- +++

with

-- Both shares over the common denominator sent_a x sent_b.
experiments as (

    select
        variant_a.agent,
        variant_a.name,
        variant_a.invites_sent >= 30 and variant_b.invites_sent >= 30 as enough_data,
        cast(variant_a.invites_accepted as hugeint) * variant_b.invites_sent as share_a,
        cast(variant_b.invites_accepted as hugeint) * variant_a.invites_sent as share_b,
        cast(variant_a.invites_sent as hugeint) * variant_b.invites_sent as whole
    from variants as variant_a
    inner join variants as variant_b
        on
            variant_a.agent = variant_b.agent
            and variant_a.name = variant_b.name
    where
        variant_a.variant = 'A'
        and variant_b.variant = 'B'

),

final as (

    select
        variants.agent as agent_id,
        variants.name as template_name,
        variants.variant,
        variants.invites_sent as sent,
        variants.invites_accepted as accepted,
        cast(
            (2 * 1000000 * variants.invites_accepted + variants.invites_sent)
            // (2 * variants.invites_sent) as decimal(38, 0)
        ) * 0.000001 as acceptance,
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
            variants.agent = experiments.agent
            and variants.name = experiments.name

)

select * from final
order by agent_id, template_name, variant
