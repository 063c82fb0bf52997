-- template: the texts that agents invite with.
--
-- +++
-- grain = "one row per template"
-- inputs = "raw.invite_templates"
-- key = "template_id"
-- +++

select invite_templates.id as template_id
from raw.invite_templates as invite_templates
