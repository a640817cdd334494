"""Who may open which page, and press which button: design §8 for pages, as data. `test_page_roles` walks it.

A page that is not here, or a method that a page takes and that is not here, fails the walk.
"""

NOBODY, OUTSIDER, STRANGER = "nobody", "outsider", "stranger"  # outsider: signed in, member of no workspace
AUTHOR, FLAGGED, MODERATOR, ADMIN, SUPER = "author", "flagged author", "moderator", "admin", "super admin"
ROLES = [AUTHOR, FLAGGED, MODERATOR, ADMIN, SUPER]
CALLERS = [NOBODY, OUTSIDER, STRANGER, *ROLES]

ANYBODY = frozenset(CALLERS)
SIGNED_IN = ANYBODY - {NOBODY}
MEMBERS = frozenset(ROLES)
WRITERS = frozenset({AUTHOR, FLAGGED, ADMIN, SUPER})
DECIDERS = frozenset({FLAGGED, MODERATOR, ADMIN, SUPER})
PROVERS = frozenset({MODERATOR, ADMIN, SUPER})
ADMINS = frozenset({ADMIN, SUPER})
SUPERS = frozenset({SUPER})

READ = {"get": MEMBERS}
WRITE = {"post": WRITERS}
WRITE_FORM = {"get": WRITERS, "post": WRITERS}
MANAGE = {"post": ADMINS}
DECIDE = {"post": DECIDERS}

PAGES = {
    # --- Accounts ---
    "login": {"get": ANYBODY, "post": ANYBODY},
    "second_step": {"get": SIGNED_IN, "post": SIGNED_IN},  # of whoever is halfway; else it leads on
    "second_steps": {"get": SIGNED_IN},
    "propose_app": {"post": SIGNED_IN},  # their own
    "confirm_app": {"get": SIGNED_IN, "post": SIGNED_IN},
    "remove_app": {"post": SIGNED_IN},
    "second_step_key": {"post": SIGNED_IN},
    "ask_for_key": {"post": SIGNED_IN},
    "add_key": {"post": SIGNED_IN},
    "rename_key": {"get": SIGNED_IN, "post": SIGNED_IN},
    "remove_key": {"post": SIGNED_IN},
    "renew_codes": {"post": SIGNED_IN},
    "unsent": {"get": SIGNED_IN, "post": SIGNED_IN},  # their own; else there is nothing
    "logout": {"post": ANYBODY},
    "single_sign_on": {"get": ANYBODY},
    "single_sign_on_callback": {"get": ANYBODY},
    "forgotten": {"get": ANYBODY, "post": ANYBODY},
    "reset_password": {"get": ANYBODY, "post": ANYBODY},
    "open_reset": {"get": ANYBODY},
    "enter": {"post": MEMBERS},
    "look": {"post": SUPERS},
    "prefer": {"post": ANYBODY},
    "profile": {"get": SIGNED_IN, "post": SIGNED_IN},
    "choose_look": {"post": SIGNED_IN},
    "change_password": {"get": SIGNED_IN, "post": SIGNED_IN},
    "end_session": {"post": SIGNED_IN},  # their own
    "end_sessions": {"post": SIGNED_IN},
    "members": READ,
    "change_member": {"get": ADMINS, "post": ADMINS},
    "remove_member": MANAGE,
    "leave": {"post": MEMBERS},
    "invite": MANAGE,
    "resend_invitation": MANAGE,
    "revoke_invitation": MANAGE,
    "take_requests": MANAGE,
    "join_request": {"get": ADMINS},
    "grant_request": MANAGE,
    "refuse_request": MANAGE,
    "rules": {"get": MEMBERS, "post": ADMINS},
    "keys": READ,
    "new_token": {"get": MEMBERS, "post": MEMBERS},
    "new_key": {"get": ADMINS, "post": ADMINS},
    "revoke_key": {"post": MEMBERS},  # their own; an admin every one
    "join": {"get": SIGNED_IN, "post": SIGNED_IN},
    "invitation": {"get": ANYBODY, "post": ANYBODY},
    "open_invitation": {"get": ANYBODY},
    # --- Webhooks ---
    "webhooks:index": {"get": ADMINS},
    "webhooks:new": {"get": ADMINS, "post": ADMINS},
    "webhooks:detail": {"get": ADMINS},
    "webhooks:edit": {"get": ADMINS, "post": ADMINS},
    "webhooks:rotate": MANAGE,
    "webhooks:enable": MANAGE,
    "webhooks:disable": MANAGE,
    "webhooks:test": MANAGE,
    "webhooks:delete": MANAGE,
    "webhooks:delivery": {"get": ADMINS},
    "webhooks:redeliver": MANAGE,
    # --- What goes on ---
    "notices:live": {"get": ANYBODY},
    "reports:evidence_key": {"get": ANYBODY},
    "reports:evidence_key_pem": {"get": ANYBODY},
    "reports:dashboard": READ,
    "reports:ledger": READ,
    "reports:ledger_file": READ,
    "reports:verify_ledger": {"post": MEMBERS},
    "reports:statistics": READ,
    "reports:statistics_file": READ,
    "reports:inquiries": {"get": PROVERS, "post": PROVERS},
    "reports:inquiry": {"get": PROVERS},
    "reports:inquiry_file": {"get": PROVERS},
    "reports:limits": {"get": MEMBERS, "post": ADMINS},
    "reports:retention": {"get": MEMBERS, "post": ADMINS},
    "reports:standing": {"get": ADMINS, "post": ADMINS},
    "reports:end_standing": MANAGE,
    "reports:erasures": {"get": ADMINS, "post": ADMINS},
    "reports:erasure": {"get": ADMINS},
    "reports:master": {"get": SUPERS},
    "reports:master_campaigns": {"get": SUPERS},
    "reports:archive": {"get": WRITERS | {STRANGER}},
    "reports:restore_archived": WRITE,
    # --- Campaigns ---
    "reports:campaigns": READ,
    "campaigns:detail": READ,
    "reports:progress": READ,
    "reports:course": READ,
    "reports:content": READ,
    "reports:history": READ,
    "reports:forecast": READ,
    "reports:recipients": {"get": MEMBERS, "post": MEMBERS},
    "reports:show_numbers": WRITE,
    "reports:errors": READ,
    "reports:trial": {"get": MEMBERS, "post": WRITERS},
    "reports:trials": READ,
    "reports:exports": {"get": MEMBERS, "post": MEMBERS},
    "reports:download": READ,
    "campaigns:texts": READ,
    "campaigns:new_text": WRITE_FORM,
    "campaigns:saved_text": WRITE_FORM,
    "campaigns:remove_text": WRITE,
    "campaigns:new": WRITE_FORM,
    "campaigns:counter": WRITE,
    "campaigns:with-list": READ,
    "campaigns:chosen": READ,
    "campaigns:edit": WRITE_FORM,
    "campaigns:edit_mode": WRITE_FORM,
    "campaigns:edit_message": WRITE_FORM,
    "campaigns:edit_recipients": WRITE_FORM,
    "campaigns:edit_list": WRITE_FORM,
    "campaigns:edit_time": WRITE_FORM,
    "campaigns:edit_review": {"get": WRITERS},
    "campaigns:edit_submit": WRITE,
    "campaigns:submit": WRITE,
    "campaigns:withdraw": WRITE,
    "campaigns:revise": WRITE,
    "campaigns:pause": WRITE,
    "campaigns:resume": WRITE,
    "campaigns:cancel": WRITE,
    "campaigns:archive": WRITE,
    "campaigns:restore": WRITE,
    "campaigns:clone": WRITE,
    "moderation:decisions": READ,
    "moderation:reschedule": DECIDE,
    "moderation:send-now": DECIDE,
    # --- Lists and numbers ---
    "recipients:index": READ,
    "recipients:new": WRITE_FORM,
    "recipients:detail": READ,
    "recipients:receive": WRITE,
    "recipients:sample": READ,
    "recipients:rejected": READ,
    "recipients:duplicates": READ,
    "recipients:cancel": WRITE,
    "recipients:rename": WRITE,
    "recipients:archive": WRITE,
    "recipients:restore": WRITE,
    "recipients:delete": WRITE_FORM,
    "recipients:suppressed": READ,
    "recipients:suppress": WRITE,
    "recipients:keep_stop_words": MANAGE,
    "recipients:export_suppressed": READ,
    "recipients:unsuppress": {"get": ADMINS, "post": ADMINS},
    "recipients:new_suppression_import": WRITE_FORM,
    "recipients:suppression_import": READ,
    "recipients:suppression_import_rejected": READ,
    "recipients:trial_phones": READ,
    "recipients:show_numbers": WRITE,
    "recipients:show_suppressed": WRITE,
    "recipients:show_trial_phones": WRITE,
    "recipients:add_trial_phone": MANAGE,
    "recipients:remove_trial_phone": MANAGE,
    # --- Senders ---
    "senders:index": READ,
    "senders:new": {"get": ADMINS, "post": ADMINS},
    "senders:detail": READ,
    "senders:submit_revision": {"post": MEMBERS},
    "senders:evidence": READ,
    "senders:archive": MANAGE,
}
# Without a workspace they are for nobody, but they say so in their own way.
UNSEEN = {"look", "reports:master", "reports:master_campaigns"}  # who may not finds nothing there
# A page of which the thing of `everything` has nothing to show, or nothing yet: 404, or a message.
HAS_NOTHING = {"senders:evidence", "recipients:rejected", "recipients:duplicates", "reports:download"}
HAS_NOTHING |= {"end_session", "recipients:suppression_import_rejected", "invitation", "revoke_key", "reset_password"}
HAS_NOTHING |= {"reports:inquiry_file", "remove_key", "rename_key"}
HAS_NOTHING |= {"single_sign_on", "single_sign_on_callback"}  # without a provider
