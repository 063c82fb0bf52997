-- template: the texts that agents invite with.
--
-- +++
-- topic = "invites"
-- grain = "one row per template"
-- inputs = "raw.invite_templates"
-- key = "template_id"
--
-- [columns]
-- template_id = "the template"
-- name = "of the template"
-- variant = "A or B"
-- +++

select
    invite_templates.id as template_id,
    invite_templates.name,
    invite_templates.ab_test_variant as variant
from raw.invite_templates as invite_templates
