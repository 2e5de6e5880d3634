"""Who belongs to a wallet, and who may change its members, limits and approvals."""

from typing import Any

import pytest

from domain.events import (
    RequestAccepted,
    RequestRefused,
    Role,
    WalletApprovalsChanged,
    WalletEvent,
    WalletLimitsChanged,
    WalletMemberAdded,
    WalletMemberRemoved,
)
from domain.refusals import (
    FieldInvalid,
    LastOwner,
    MemberNotFound,
    Refusal,
    Rejection,
    RoleMissing,
    WalletIsClosed,
    WalletNotFound,
    WalletNotShared,
)
from domain.wallet_rules import (
    AddMember,
    ChangeApprovals,
    ChangeLimits,
    ChangeOverdraftLimit,
    CloseWallet,
    FreezeWallet,
    RemoveMember,
    UnfreezeWallet,
)
from domain.wallets import Caller
from tests.given import (
    CLOSED,
    OPERATOR,
    OURS,
    OWNER,
    STRANGER,
    opening,
    transfer_of,
    wallet,
)
from tests.story import (
    PAYEE,
    SPENDER,
    VIEWER,
    limits,
    ours,
    pay,
    story,
    theirs,
)

NEW = "usr_new"


def add(user: str, role: Role) -> AddMember:
    return AddMember(OURS, user, role)


def remove(user: str) -> RemoveMember:
    return RemoveMember(OURS, user)


LIMITS, APPROVALS = ChangeLimits(OURS, 5, 50), ChangeApprovals(OURS, 1, 100)


@pytest.mark.parametrize(
    ("command", "event"),
    [
        (add(NEW, "owner"), WalletMemberAdded(NEW, "owner")),
        (add(NEW, "spender"), WalletMemberAdded(NEW, "spender")),
        (add(VIEWER.subject, "spender"), WalletMemberAdded(VIEWER.subject, "spender")),
        (add(SPENDER.subject, "owner"), WalletMemberAdded(SPENDER.subject, "owner")),
        (remove(SPENDER.subject), WalletMemberRemoved(SPENDER.subject)),
        (LIMITS, WalletLimitsChanged(5, 50)),
        (ChangeLimits(OURS, None, 0), WalletLimitsChanged(None, 0)),
        (APPROVALS, WalletApprovalsChanged(1, 100)),
    ],
)
def test_an_owner_changes_members_limits_and_approvals(command: Any, event: WalletEvent) -> None:
    """One event of the wallet beside the answer."""
    told = story().ask(command)
    assert told.events[1:] == (event,)
    assert told.right == "member"


@pytest.mark.parametrize(
    ("given", "command"),
    [
        ([], add(SPENDER.subject, "spender")),
        ([], add(OWNER.subject, "owner")),
        ([limits(5, 50)], LIMITS),
        ([], ChangeLimits(OURS, None, None)),
        ([WalletApprovalsChanged(1, 100)], APPROVALS),
    ],
)
def test_what_is_so_already_changes_nothing(given: list[WalletEvent], command: Any) -> None:
    """It is accepted, and no event of the wallet comes of it."""
    told = story(ours(*given), theirs()).ask(command)
    assert [type(event) for event in told.events] == [RequestAccepted]


MEMBER, OPERATES = "member", "operate"
RIGHTS: list[tuple[Any, dict[Caller, Any]]] = [
    (
        add(NEW, "viewer"),
        {OWNER: MEMBER, OPERATOR: OPERATES, SPENDER: RoleMissing, VIEWER: RoleMissing},
    ),
    (
        remove(VIEWER.subject),
        {OWNER: MEMBER, OPERATOR: OPERATES, SPENDER: RoleMissing, VIEWER: MEMBER},
    ),
    (
        FreezeWallet(OURS, "x"),
        {OWNER: MEMBER, OPERATOR: OPERATES, SPENDER: RoleMissing, VIEWER: RoleMissing},
    ),
    (
        UnfreezeWallet(OURS, "x"),
        {OWNER: MEMBER, OPERATOR: OPERATES, SPENDER: RoleMissing, VIEWER: RoleMissing},
    ),
    (
        CloseWallet(OURS, "x"),
        {OWNER: MEMBER, OPERATOR: OPERATES, SPENDER: RoleMissing, VIEWER: RoleMissing},
    ),
    (LIMITS, {OWNER: MEMBER, OPERATOR: RoleMissing, SPENDER: RoleMissing, VIEWER: RoleMissing}),
    (APPROVALS, {OWNER: MEMBER, OPERATOR: RoleMissing, SPENDER: RoleMissing, VIEWER: RoleMissing}),
    (
        ChangeOverdraftLimit(OURS, 5, "x"),
        {OWNER: RoleMissing, OPERATOR: OPERATES, SPENDER: RoleMissing, VIEWER: RoleMissing},
    ),
    (
        transfer_of(1),
        {OWNER: MEMBER, OPERATOR: OPERATES, SPENDER: MEMBER, VIEWER: RoleMissing},
    ),
]


@pytest.mark.parametrize(
    ("command", "by", "end"),
    [(command, by, end) for command, ends in RIGHTS for by, end in ends.items()],
)
def test_what_each_role_may_do(command: Any, by: Caller, end: Any) -> None:
    """Spenders pay, owners govern; limits are theirs alone, and the overdraft an operator's."""
    told = story(ours(money=0), theirs()).ask(command, by)
    if isinstance(end, str):
        assert told.right == end
        assert not isinstance(told.no, Rejection)
    else:
        told.refused(end)


@pytest.mark.parametrize("command", [command for command, _ in RIGHTS])
def test_who_is_no_member_finds_no_wallet(command: Any) -> None:
    """Also where it is closed, and also the payee of a payment from it."""
    for by in (STRANGER, PAYEE):
        assert story().ask(command, by).refused(WalletNotFound).wallet_id == OURS
        assert story(ours(CLOSED), theirs()).ask(command, by).refused(WalletNotFound)


def test_a_member_is_refused_at_once_when_removed() -> None:
    """The next command of theirs does not find the wallet any more."""
    tale = story().done(pay(1, 40), by=SPENDER).done(remove(SPENDER.subject), by=OWNER)
    tale.ask(pay(1, 41), SPENDER).refused(WalletNotFound)


def test_a_new_role_holds_for_the_next_command() -> None:
    """A spender made a viewer pays no more, a viewer made a spender does."""
    tale = story().done(add(SPENDER.subject, "viewer"), add(VIEWER.subject, "spender"), by=OWNER)
    tale.ask(pay(1, 40), SPENDER).refused(RoleMissing)
    tale.done(pay(1, 41), by=VIEWER)


def test_whoever_belongs_to_a_wallet_may_leave_it() -> None:
    """Viewers and spenders too, but nobody sends others away who does not govern."""
    for member in (VIEWER, SPENDER):
        told = story().ask(remove(member.subject), member)
        assert told.right == "member"
    story().ask(remove(SPENDER.subject), VIEWER).refused(RoleMissing)


@pytest.mark.parametrize(
    ("command", "by"),
    [
        (remove(OWNER.subject), OWNER),
        (remove(OWNER.subject), OPERATOR),
        (add(OWNER.subject, "spender"), OWNER),
        (add(OWNER.subject, "viewer"), OPERATOR),
    ],
)
def test_the_last_owner_stays(command: Any, by: Caller) -> None:
    """Neither removed nor given another role, until there is another owner."""
    story().ask(command, by).refused(LastOwner)
    tale = story().done(add(NEW, "owner"), by=OWNER).done(command, by=by)
    other = Caller(NEW, "tests", operate=False)
    tale.ask(remove(NEW), other).refused(LastOwner)


def test_the_owner_of_a_personal_wallet_stays() -> None:
    """It has one member only."""
    tale = story(wallet(first=opening()), theirs())
    tale.ask(remove(OWNER.subject)).refused(LastOwner)


REFUSED: list[tuple[list[WalletEvent], str, Any, Caller, type[Refusal | Rejection]]] = [
    # given, kind of the wallet, when, by, and the first of the reasons that apply
    ([CLOSED], "personal", add(NEW, "owner"), STRANGER, WalletNotFound),
    ([CLOSED], "personal", add(NEW, "owner"), OWNER, WalletIsClosed),
    ([], "personal", add(OWNER.subject, "viewer"), OWNER, WalletNotShared),
    ([], "system", add(NEW, "owner"), OPERATOR, WalletNotShared),
    ([], "shared", add(OWNER.subject, "viewer"), OWNER, LastOwner),
    ([CLOSED], "shared", remove("usr_nobody"), STRANGER, WalletNotFound),
    ([CLOSED], "shared", remove("usr_nobody"), OWNER, MemberNotFound),
    ([CLOSED], "shared", remove(OWNER.subject), OWNER, WalletIsClosed),
    ([], "shared", remove("usr_nobody"), OPERATOR, MemberNotFound),
    ([CLOSED], "shared", LIMITS, OPERATOR, RoleMissing),
    ([CLOSED], "shared", LIMITS, OWNER, WalletIsClosed),
    ([CLOSED], "personal", APPROVALS, OPERATOR, RoleMissing),
    ([CLOSED], "personal", APPROVALS, OWNER, WalletIsClosed),
    ([], "personal", APPROVALS, OWNER, WalletNotShared),
]


@pytest.mark.parametrize(("given", "kind", "command", "by", "no"), REFUSED)
def test_the_first_refusal_that_applies_is_the_one_given(
    given: list[WalletEvent], kind: str, command: Any, by: Caller, no: type[Refusal | Rejection]
) -> None:
    """Unknown, then the right, then the user, closed, not shared, and the last owner."""
    owner = None if kind == "system" else OWNER.subject
    found = wallet(*given, first=opening(kind=kind, owner=owner))
    told = story(found, theirs()).ask(command, by)
    told.refused(no)
    if isinstance(told.no, Refusal):
        assert told.the(RequestRefused).code == told.no.code


def test_amounts_of_limits_are_in_the_currency_of_the_wallet() -> None:
    """Zero is a limit; more digits than the currency has are not read."""
    tale = story()
    unread = ChangeLimits(OURS, None, None)
    told = tale.ask(unread, OWNER, {"per_payment": "0", "per_day": "12.3"})
    assert told.events[1:] == (WalletLimitsChanged(0, 1230),)
    no = tale.ask(unread, OWNER, {"per_day": "0.001"}).refused(FieldInvalid)
    assert no.field == "per_day"
    tale.ask(unread, STRANGER, {"per_day": "0.001"}).refused(WalletNotFound)
