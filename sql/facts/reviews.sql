-- reviews: what users wrote about each other, in stars.
--
-- +++
-- topic = "people"
-- grain = "one row per review"
-- inputs = ["raw.user_reviews", "raw.referrals"]
-- key = "review_id"
-- unit = { id = "review_id" }
-- row = { user_reviews = "review_id" }
-- time = "created_at"
--
-- [stands_on]
-- referrals = "reviewed_user_id = agent_id and reviewer_id = recruited_user_id"
--
-- [links]
-- user = "reviewed_user_id"
-- agent = "reviewed_user_id"
-- brand = "reviewed_user_id"
-- influencer = "reviewed_user_id"
-- reviewer = ["user", "reviewer_id"]
--
-- [columns]
-- review_id = "the review"
-- created_at = ["time", "it was written"]
-- reviewer_id = "by whom"
-- reviewed_user_id = "about whom"
-- deal_id = "after which deal"
-- rating = ["stars", "overall"]
-- payment_speed_rating = ["stars", "sub-rating"]
-- communication_rating = ["stars", "sub-rating"]
-- professionalism_rating = ["stars", "sub-rating"]
-- is_by_recruit = "whether the reviewed recruited the reviewer"
--
-- [measures]
-- reviews = ["reviews", "count(*)", "reviews written about somebody"]
-- rating = ["stars", "mean(rating)", "mean stars of the reviews about somebody"]
-- payment_speed_rating = [
--     "stars", "mean(payment_speed_rating)",
--     "mean stars for paying fast, of the reviews that give any",
-- ]
-- communication_rating = [
--     "stars", "mean(communication_rating)",
--     "mean stars for communication, of the reviews that give any",
-- ]
-- professionalism_rating = [
--     "stars", "mean(professionalism_rating)",
--     "mean stars for professionalism, of the reviews that give any",
-- ]
-- recruit_satisfaction_score = [
--     "stars", "mean(rating) filter (where is_by_recruit)",
--     "mean stars of the reviews by users they recruited",
-- ]
-- recruit_satisfaction_count = [
--     "reviews", "count(*) filter (where is_by_recruit)",
--     "reviews about somebody by users they recruited",
-- ]
-- +++

with

recruited as (

    select distinct
        agent_id,
        recruited_user_id
    from raw.referrals
    where recruited_at is null or recruited_at < $as_of

)

select
    user_reviews.id as review_id,
    user_reviews.created_at,
    user_reviews.reviewer_id,
    user_reviews.reviewed_user_id,
    user_reviews.deal_id,
    user_reviews.rating,
    user_reviews.payment_speed_rating,
    user_reviews.communication_rating,
    user_reviews.professionalism_rating,
    recruited.agent_id is not null as is_by_recruit
from raw.user_reviews as user_reviews
left join recruited
    on
        user_reviews.reviewed_user_id = recruited.agent_id
        and user_reviews.reviewer_id = recruited.recruited_user_id
where user_reviews.created_at < $as_of
