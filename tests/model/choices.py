"""What was chosen where the contract is silent or can be read in more than one way.

Belongs here: one sentence or two per choice, fit to be carried into the documentation. Imports nothing.
"""

CHOICES: tuple[str, ...] = (
    # Section 0
    "Rows are judged one by one: a row that exists counts even where a row it points to (the gig of a deal, the "
    "deal of a review, the application of an escrow job) does not exist at as_of.",
    "What a row that does not exist says is not shown either: an application to a gig created at or after as_of, or "
    "with a null created_at, is broken down by gig_category under (none).",
    "The stage joined is a reference with its own time: a converted user with a null users.created_at has joined at "
    "an unknown time; one created at or after as_of has not joined (deals of that user still count by their own time).",
    "trim removes the space character only: a currency with a tab or a no-break space around it is another currency; "
    "so is ''.",
    "A self-referral (agent and recruit the same user) is listed by its warning and counted like any other.",
    # Sections 1 and 2
    "Deals are attributed through every active recruit of before until (or of an unknown time), also with since: "
    "since narrows deals, commissions and the count of referrals, not through whom deals are attributed.",
    "Without since but with until, total_referrals are the active recruits as of until, undated ones included.",
    "previous_rank is the rank on the full board of the previous window, computed over all of today's agents with "
    "the same rules; agents with nothing in it take part in that ranking (above those with negative earnings) and "
    "then show null. Its recruits are those of before its own end, which is since.",
    "A previous window that would begin before the first representable moment begins there.",
    # Section 3
    "A sender counts as the agent only by user id; an agent's messages in a conversation whose participants do not "
    "name the agent are nobody's replies (and are others' messages for the agents who are named). A participant "
    "named twice is one participant.",
    "The beginning of a conversation counts as the agent's last message: messages by others before the agent ever "
    "wrote make a run. Messages after the last one of the agent are not a reply yet.",
    "average_conversion_time includes invites accepted at the very moment of sending, as 0 days.",
    "verified_referrals asks nothing about converted_user_id but equality: who has the invite must be the agent, who "
    "was converted must be an active recruit of the same agent; several such invites count once.",
    "The two sides of verified_referrals / total_referrals are the all-time figures of the same row.",
    "Weights must name all six components; they are compared exactly (0.1 as a decimal, not a float).",
    # Section 4
    "m is the mean over single reviews (not over sponsors), about users whose role is sponsor, existing at as_of; it "
    "is not rounded before use.",
    "An unrated brand takes part in nothing but the order: m is of the reviewed ones alone anyway.",
    # Section 5
    "conversion_from_start of stage 1 is null where nobody entered: its denominator is 0.",
    "immature is a number of the breakdown value: it stands, the same, on each of its stage rows, stage 1 included.",
    "first_deal and completed_deal look at every deal of the converted user created at or after sent_at; the earliest "
    "counts. For completed_deal, within is asked of completed_at alone, not also of the deal's created_at.",
    "Deals of a gig, application or negotiation may date from before the unit: such a time passes within, counts as "
    "reached, and is left out of the durations. Where a unit has one event before its start and one after, its own "
    "time is the earlier one, so it has no duration.",
    "accepted, opened and clicked of an invite, reviewed of an application, and all stages of the escrow funnel go by "
    "their time whatever the status (a job released_at then refunded was released); a status is looked at only where "
    "the time is null. Everything written `status X: time` (approved, completed, paid, verified) needs the status too.",
    "The escrow stage released is also reached, at an unknown time, by status released with a null released_at.",
    "The status of an escrow job speaks for its earlier stages whatever the later times say: status released with "
    "released_at at or after as_of and null earlier times is locked, submitted and approved, each at an unknown time.",
    "A status with its own time at or after as_of is not reached by that status, but may be implied by a later stage.",
    "The first offer is the earliest existing one by (created_at, id); one author countering their own offer is no "
    "counter unless the offer's status says countered.",
    "negotiation accepted: an accepted offer with a null created_at does not exist at any as_of, so it neither dates "
    "the acceptance nor denies it: with only such offers the time is unknown. One existing accepted offer with a null "
    "responded_at also makes the time unknown, unless another dates it.",
    "The breakdown value (none) is one value: a list holding a null and the text '(none)' puts the unit there once.",
    "Breakdown rows are given only for values that occur among the entrants; without a breakdown all stages are given.",
    "within = 0 is allowed (only what happened up to and at the start); a negative within is an error.",
    "An event exactly at stage-1 time + within counts, and an entrant for whom that moment is exactly as_of is mature, "
    "although an event at that moment itself is at as_of and so not seen yet.",
    # Section 6
    "contact_engagement and invite_templates use all sent invites of the contact or template, whoever sent them.",
    "recruit_satisfaction_score of an agent without such reviews is null (the column has no default), its count 0.",
    # Section 7
    "Activity is a row, not an amount: a completed refund of 0.00, or one month with only completions, makes a month. "
    "Transactions in other currencies, of other types or not completed make none.",
    "Months before 2000-01 are left out of marketplace_monthly only; signup_cohorts keeps them.",
    "active_sponsors and active_influencers go by the deal's two columns, whatever the users' roles.",
    "take_rate divides completed deals' amounts by months of completion, platform_revenue by months of the "
    "transaction; it may be negative or above 1.",
    "template_experiments: key columns agent_id (the sender), template_name, variant. Dangling templates and templates "
    "without a variant take no part. Wilson bounds, lift, difference and p_value have 6 decimals; the normal quantile "
    "is 1.959963984540054; lift is (B - A) / A.",
    "signup_cohorts: key columns cohort_month (first day, a date) and months_since; a deal earlier in the signup month "
    "than the signup itself counts in month 0.",
    # Section 9
    "A gig created at or after as_of, or with a null created_at, is no member of its dimension: its facts have (none) "
    "for the gig, its attributes and its brand. Users are members whenever they signed up.",
    "user.signup_month is a date: null where there is none, also for a link that leads nowhere.",
    "payment_time counts every currency in whatever company it is asked; other measures of releases beside it decide "
    "by the currency which groups there are.",
    "A ratio across facts has a row wherever one of its facts is counted: take_rate is null in a group without gmv.",
    "The greatest values are chosen by unrounded measures; values that occur only in the window compared with are "
    "among the others.",
    "A filter on a period sees the facts of the window compared with in the periods they are shifted to.",
    "Each calendar grouping is shifted by its own unit, and a shifted period may lie outside of the window.",
    "Last year is the same time of day on the local calendar; local midnights stay the first moments of their days.",
    "A null period is neither complete nor incomplete: null. It is not filled up from or to.",
    "Without other groupings every period of a window with a since is filled, also without any fact. With others, for "
    "the combinations of either window, the others of a top included.",
    "The total of no groupings is a row of its own beside the one row there always is.",
)
