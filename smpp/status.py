"""command_status (SMPP 3.4 §5.1.3, and the additions of 5.0): each code's name and one sentence for people."""

from enum import IntEnum


class CommandStatus(IntEnum):
    ROK = 0x00
    RINVMSGLEN = 0x01
    RINVCMDLEN = 0x02
    RINVCMDID = 0x03
    RINVBNDSTS = 0x04
    RALYBND = 0x05
    RINVPRTFLG = 0x06
    RINVREGDLVFLG = 0x07
    RSYSERR = 0x08
    RINVSRCADR = 0x0A
    RINVDSTADR = 0x0B
    RINVMSGID = 0x0C
    RBINDFAIL = 0x0D
    RINVPASWD = 0x0E
    RINVSYSID = 0x0F
    RCANCELFAIL = 0x11
    RREPLACEFAIL = 0x13
    RMSGQFUL = 0x14
    RINVSERTYP = 0x15
    RINVNUMDESTS = 0x33
    RINVDLNAME = 0x34
    RINVDESTFLAG = 0x40
    RINVSUBREP = 0x42
    RINVESMCLASS = 0x43
    RCNTSUBDL = 0x44
    RSUBMITFAIL = 0x45
    RINVSRCTON = 0x48
    RINVSRCNPI = 0x49
    RINVDSTTON = 0x50
    RINVDSTNPI = 0x51
    RINVSYSTYP = 0x53
    RINVREPFLAG = 0x54
    RINVNUMMSGS = 0x55
    RTHROTTLED = 0x58
    RINVSCHED = 0x61
    RINVEXPIRY = 0x62
    RINVDFTMSGID = 0x63
    RX_T_APPN = 0x64
    RX_P_APPN = 0x65
    RX_R_APPN = 0x66
    RQUERYFAIL = 0x67
    RINVOPTPARSTREAM = 0xC0
    ROPTPARNOTALLWD = 0xC1
    RINVPARLEN = 0xC2
    RMISSINGOPTPARAM = 0xC3
    RINVOPTPARAMVAL = 0xC4
    RDELIVERYFAILURE = 0xFE
    RUNKNOWNERR = 0xFF
    RSERTYPUNAUTH = 0x100
    RPROHIBITED = 0x101
    RSERTYPUNAVAIL = 0x102
    RSERTYPDENIED = 0x103
    RINVDCS = 0x104
    RINVSRCADDRSUBUNIT = 0x105
    RINVDSTADDRSUBUNIT = 0x106
    RINVBCASTFREQINT = 0x107
    RINVBCASTALIAS_NAME = 0x108
    RINVBCASTAREAFMT = 0x109
    RINVNUMBCAST_AREAS = 0x10A
    RINVBCASTCNTTYPE = 0x10B
    RINVBCASTMSGCLASS = 0x10C
    RBCASTFAIL = 0x10D
    RBCASTQUERYFAIL = 0x10E
    RBCASTCANCELFAIL = 0x10F
    RINVBCAST_REP = 0x110
    RINVBCASTSRVGRP = 0x111
    RINVBCASTCHANIND = 0x112


VENDOR = range(0x400, 0x500)

_S = CommandStatus


def gettext_noop(text: str) -> str:
    """Marks a sentence for the catalogues, which are read by whoever shows it: here it stays as it is."""
    return text


_ = gettext_noop
TEXTS: dict[CommandStatus, str] = {
    _S.ROK: _("Accepted by the carrier."),
    _S.RINVMSGLEN: _("The carrier says that the length of the text is wrong."),
    _S.RINVCMDLEN: _("The carrier could not read the request: its length is wrong."),
    _S.RINVCMDID: _("The account may not use this operation."),
    _S.RINVBNDSTS: _("The connection was not bound in a way that allows this."),
    _S.RALYBND: _("The account is already connected as often as the carrier allows."),
    _S.RINVPRTFLG: _("The carrier does not accept this priority."),
    _S.RINVREGDLVFLG: _("The carrier does not accept this request for receipts."),
    _S.RSYSERR: _("The carrier has an internal error."),
    _S.RINVSRCADR: _("The carrier does not accept this sender."),
    _S.RINVDSTADR: _("The carrier says that the number is not valid."),
    _S.RINVMSGID: _("The carrier does not know this message id."),
    _S.RBINDFAIL: _("The carrier refused the connection."),
    _S.RINVPASWD: _("The carrier says that the password is wrong."),
    _S.RINVSYSID: _("The carrier does not know this system id."),
    _S.RCANCELFAIL: _("The carrier could not cancel the message."),
    _S.RREPLACEFAIL: _("The carrier could not replace the message."),
    _S.RMSGQFUL: _("The carrier's queue is full."),
    _S.RINVSERTYP: _("The carrier does not accept this service type."),
    _S.RINVNUMDESTS: _("The carrier says that the number of destinations is wrong."),
    _S.RINVDLNAME: _("The carrier does not know this distribution list."),
    _S.RINVDESTFLAG: _("The carrier says that the kind of destination is wrong."),
    _S.RINVSUBREP: _("The carrier does not allow to replace an earlier message."),
    _S.RINVESMCLASS: _("The carrier does not accept this message class (for example long texts by header)."),
    _S.RCNTSUBDL: _("The carrier does not send to distribution lists."),
    _S.RSUBMITFAIL: _("The carrier could not take the message."),
    _S.RINVSRCTON: _("The carrier does not accept the sender's type of number."),
    _S.RINVSRCNPI: _("The carrier does not accept the sender's numbering plan."),
    _S.RINVDSTTON: _("The carrier does not accept the recipient's type of number."),
    _S.RINVDSTNPI: _("The carrier does not accept the recipient's numbering plan."),
    _S.RINVSYSTYP: _("The carrier does not accept this system type."),
    _S.RINVREPFLAG: _("The carrier does not accept the flag to replace a message."),
    _S.RINVNUMMSGS: _("The carrier says that the number of messages is wrong."),
    _S.RTHROTTLED: _("The carrier says that messages come too fast."),
    _S.RINVSCHED: _("The carrier does not accept the scheduled time."),
    _S.RINVEXPIRY: _("The carrier does not accept the validity period."),
    _S.RINVDFTMSGID: _("The carrier does not know this predefined message."),
    _S.RX_T_APPN: _("The receiving side has a temporary error."),
    _S.RX_P_APPN: _("The receiving side has a permanent error."),
    _S.RX_R_APPN: _("The receiving side rejected the message."),
    _S.RQUERYFAIL: _("The carrier refused the request (with some carriers: no credit)."),
    _S.RINVOPTPARSTREAM: _("The carrier could not read an optional parameter."),
    _S.ROPTPARNOTALLWD: _("The carrier does not allow an optional parameter."),
    _S.RINVPARLEN: _("The carrier says that the length of a parameter is wrong."),
    _S.RMISSINGOPTPARAM: _("The carrier expects an optional parameter that was not there."),
    _S.RINVOPTPARAMVAL: _("The carrier does not accept the value of an optional parameter."),
    _S.RDELIVERYFAILURE: _("The message could not be delivered."),
    _S.RUNKNOWNERR: _("The carrier has an error that it cannot name."),
    _S.RSERTYPUNAUTH: _("The account may not use this service type."),
    _S.RPROHIBITED: _("The account may not use this operation now."),
    _S.RSERTYPUNAVAIL: _("The service type is not available at the moment."),
    _S.RSERTYPDENIED: _("The service type is denied."),
    _S.RINVDCS: _("The carrier does not accept this character coding."),
    _S.RINVSRCADDRSUBUNIT: _("The carrier does not accept the sender's subunit."),
    _S.RINVDSTADDRSUBUNIT: _("The carrier does not accept the recipient's subunit."),
    _S.RINVBCASTFREQINT: _("The carrier does not accept the broadcast's frequency."),
    _S.RINVBCASTALIAS_NAME: _("The carrier does not accept the broadcast's alias."),
    _S.RINVBCASTAREAFMT: _("The carrier does not accept the broadcast area's format."),
    _S.RINVNUMBCAST_AREAS: _("The carrier does not accept the number of broadcast areas."),
    _S.RINVBCASTCNTTYPE: _("The carrier does not accept the broadcast's content type."),
    _S.RINVBCASTMSGCLASS: _("The carrier does not accept the broadcast's message class."),
    _S.RBCASTFAIL: _("The carrier could not broadcast."),
    _S.RBCASTQUERYFAIL: _("The carrier could not query the broadcast."),
    _S.RBCASTCANCELFAIL: _("The carrier could not cancel the broadcast."),
    _S.RINVBCAST_REP: _("The carrier does not accept the number of repeated broadcasts."),
    _S.RINVBCASTSRVGRP: _("The carrier does not accept the broadcast's service group."),
    _S.RINVBCASTCHANIND: _("The carrier does not accept the broadcast's channel."),
}


OF_ITS_OWN = _("The carrier answered with a code of its own: what it means stands in its documents.")
UNKNOWN = _("The carrier answered with a code that is not known.")


def name(code: int) -> str:
    """`ESME_RINVDSTADR`, or the bare code where the specification gives it no name."""
    try:
        return f"ESME_{CommandStatus(code).name}"
    except ValueError:
        return f"0x{code:08X}"


def text(code: int) -> str:
    try:
        return TEXTS[CommandStatus(code)]
    except ValueError:
        return OF_ITS_OWN if code in VENDOR else UNKNOWN
