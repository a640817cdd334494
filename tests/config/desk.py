"""Who sees which register of the staff's desk, who adds to it, and who presses its buttons: design §8 for the Django
admin, as data. `test_desk_roles` walks it; a register or a button that is not here fails the walk.

Whoever is no staff is sent to its sign-in page, whatever their role.
"""

AUTHOR, FLAGGED, MODERATOR, ADMIN, SUPER = "author", "flagged author", "moderator", "admin", "super admin"
STAFF = [AUTHOR, FLAGGED, MODERATOR, ADMIN, SUPER]  # an author may be staff, and finds an empty desk

DECIDERS = frozenset({FLAGGED, MODERATOR, ADMIN, SUPER})
SUPERS = frozenset({SUPER})
NONE: frozenset[str] = frozenset()

# Model: (who sees its rows, who adds one).
REGISTERS = {
    "audit.entry": (SUPERS, NONE),
    "accounts.user": (SUPERS, SUPERS),
    "accounts.workspace": (SUPERS, SUPERS),
    "accounts.membership": (SUPERS, SUPERS),
    "accounts.invitation": (SUPERS, NONE),
    "accounts.joinrequest": (SUPERS, NONE),
    "accounts.apikey": (SUPERS, NONE),
    "senders.sender": (DECIDERS, NONE),
    "senders.revision": (DECIDERS, NONE),
    "channels.channel": (SUPERS, SUPERS),
    "channels.route": (SUPERS, SUPERS),
    "recipients.suppression": (SUPERS, SUPERS),
    "recipients.suppressionimport": (SUPERS, SUPERS),
    "campaigns.campaign": (DECIDERS, NONE),
    "moderation.campaigninreview": (DECIDERS, NONE),
    "moderation.revisioninreview": (DECIDERS, NONE),
    "moderation.decision": (DECIDERS, NONE),
    "moderation.cannedreason": (DECIDERS, DECIDERS),
    "moderation.blockedterm": (DECIDERS, DECIDERS),
    "delivery.incident": (DECIDERS, NONE),
    "delivery.inbound": (DECIDERS, NONE),
    "delivery.halt": (SUPERS, SUPERS),
    "delivery.chunk": (SUPERS, NONE),
}
# Addresses of the desk beside those that every register has: who may.
BUTTONS = {
    "audit_entry_verify": SUPERS,
    "auth_user_password_change": SUPERS,
    "accounts_user_reset_second_step": SUPERS,
    "channels_channel_test": SUPERS,
    "channels_channel_tested": SUPERS,
    "channels_channel_links": SUPERS,
    "recipients_suppression_remove": SUPERS,
    "moderation_campaigninreview_decide": DECIDERS,
    "moderation_campaigninreview_claim": DECIDERS,
    "moderation_campaigninreview_release": DECIDERS,
    "moderation_campaigninreview_take_over": DECIDERS,
    "moderation_campaigninreview_note": DECIDERS,
    "moderation_campaigninreview_evidence": DECIDERS,
    "moderation_revisioninreview_decide": DECIDERS,
    "moderation_revisioninreview_claim": DECIDERS,
    "moderation_revisioninreview_release": DECIDERS,
    "moderation_revisioninreview_take_over": DECIDERS,
    "moderation_revisioninreview_note": DECIDERS,
    "moderation_revisioninreview_evidence": DECIDERS,
    "moderation_decision_export": DECIDERS,
    "delivery_inbound_numbers": frozenset({FLAGGED, ADMIN, SUPER}),
    "delivery_chunk_release": SUPERS,
}
# Of Django's own, for everybody who is staff: they show what the registers let somebody see, or their own password.
FOR_STAFF = {"index", "login", "logout", "password_change", "password_change_done", "jsi18n", "app_list"}
FOR_STAFF |= {"autocomplete", "view_on_site"}
