"""Draws commands on wallets: freezes, closings, limits, members and approvals."""

from hypothesis import strategies as st

from application.commands import Submission
from domain.events import Role
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
from tests.property.cast import (
    ANNA,
    BEN,
    CALLERS,
    CARL,
    DORA,
    OPERATOR,
    PER_DAY,
    PER_PAYMENT,
    THRESHOLD,
)
from tests.property.dealing import Wish
from tests.property.sender import WEEK, Sender, pick

TOUCHED = ("poor", "frozen", "theirs", "overdrawn")
"""Wallets that freezes, closings and new limits are drawn for; the others keep the play going."""

KINDS: list[type[FreezeWallet | UnfreezeWallet | CloseWallet]] = [
    FreezeWallet,
    UnfreezeWallet,
    UnfreezeWallet,
    CloseWallet,
]


def _on_a_wallet(sender: Sender, data: st.DataObject) -> Submission:
    wallet = sender.names[data.draw(st.sampled_from([*TOUCHED, "closed", "rich"]))]
    command: type[FreezeWallet | UnfreezeWallet | CloseWallet] = CloseWallet
    if wallet != sender.names["rich"]:
        command = data.draw(st.sampled_from(KINDS))
    caller = data.draw(st.sampled_from(CALLERS))
    return sender.submit(caller, command(wallet, data.draw(st.sampled_from("xyz"))))


def _overdraft(sender: Sender, data: st.DataObject) -> Submission:
    role = data.draw(st.sampled_from(["overdrawn", "overdrawn", "poor", "closed"]))
    limit = data.draw(st.sampled_from([0, 0, 0, 50, 50, 50, 100, None]))
    caller = data.draw(st.sampled_from([OPERATOR, OPERATOR, OPERATOR, ANNA]))
    command = ChangeOverdraftLimit(sender.names[role], limit, "asked for")
    return sender.submit(caller, command)


def _overdraft_in_use(sender: Sender, data: st.DataObject) -> Submission:
    """Draw a limit that is just low enough, or one minor unit too low, for what is used."""
    roles = [each for each in ("overdrawn", "poor") if not sender.purse(each).closed]
    if not roles:
        return _new(sender, data)
    free = {each: sender.model.book.available(sender.names[each]) for each in roles}
    role = min(roles, key=lambda each: free[each])
    if free[role] >= 0:
        return _use_the_overdraft(sender, roles, free)
    used, lower = -free[role], sender.chance.choice([0, 1, 1, 1])
    limit = max(0, used - lower)
    command = ChangeOverdraftLimit(sender.names[role], None, "asked for")
    written = {"overdraft_limit": f"{limit // 100}.{limit % 100:02}"}
    return sender.submit(OPERATOR, command, written=written)


def _use_the_overdraft(sender: Sender, roles: list[str], free: dict[str, int]) -> Submission:
    """Hold more than there is, or make that possible."""
    frozen = [each for each in roles if sender.purse(each).frozen]
    role = next((each for each in roles if each not in frozen), roles[0])
    limit = sender.purse(role).limit
    if role in frozen and sender.purse(role).frozen == {"operate"}:
        return sender.submit(OPERATOR, UnfreezeWallet(sender.names[role], "over"))
    if limit == 0:
        return sender.submit(OPERATOR, ChangeOverdraftLimit(sender.names[role], 50, "asked for"))
    return sender.hold(OPERATOR, role, "shop", free[role] + (limit or 40), WEEK)


def _not_empty(sender: Sender, data: st.DataObject) -> Submission:
    """Draw the end of a wallet that has money, or holds beyond what it has."""
    role = data.draw(st.sampled_from(["rich", "limited", "household", "overdrawn"]))
    return sender.submit(OPERATOR, CloseWallet(sender.names[role], "no more"))


def _limits(sender: Sender, data: st.DataObject) -> Submission:
    caller = data.draw(st.sampled_from([ANNA, ANNA, ANNA, OPERATOR]))
    per_payment = data.draw(st.sampled_from([PER_PAYMENT, PER_PAYMENT, 10, None]))
    per_day = data.draw(st.sampled_from([PER_DAY, PER_DAY, 30, None]))
    command = ChangeLimits(sender.names["limited"], per_payment, per_day)
    return sender.submit(caller, command)


def _member(sender: Sender, data: st.DataObject) -> Submission:
    """Draw a role for somebody in the household, or its end."""
    caller = data.draw(st.sampled_from([ANNA, ANNA, BEN, OPERATOR, CARL]))
    whom = data.draw(st.sampled_from([BEN, CARL, CARL, DORA])).subject
    household = sender.names["household"]
    if data.draw(st.integers(0, 2)) == 0:
        return sender.submit(caller, RemoveMember(household, whom))
    roles: list[Role] = ["owner", "spender", "spender", "viewer"]
    role = data.draw(st.sampled_from(roles))
    return sender.submit(caller, AddMember(household, whom, role))


def _back_in_place(sender: Sender, data: st.DataObject) -> Submission:
    """Draw the household as it was in the beginning, member by member."""
    places: dict[Caller, Role] = {BEN: "owner", CARL: "spender", DORA: "viewer"}
    purse = sender.purse("household")
    away = [who for who, role in places.items() if purse.roles.get(who.subject) != role]
    whom = pick(data, away or [BEN])
    command = AddMember(sender.names["household"], whom.subject, places[whom])
    return sender.submit(ANNA, command)


def _last_owner(sender: Sender, data: st.DataObject) -> Submission:
    wallet = sender.names["theirs"]
    if data.draw(st.booleans()):
        return sender.submit(BEN, RemoveMember(wallet, BEN.subject))
    caller = data.draw(st.sampled_from([BEN, OPERATOR]))
    return sender.submit(caller, AddMember(wallet, BEN.subject, "spender"))


def _not_shared(sender: Sender, data: st.DataObject) -> Submission:
    role = data.draw(st.sampled_from(["rich", "limited", "bank"]))
    caller = OPERATOR if role == "bank" else ANNA
    if role != "bank" and data.draw(st.booleans()):
        return sender.submit(caller, ChangeApprovals(sender.names[role], 1, 10))
    return sender.submit(caller, AddMember(sender.names[role], CARL.subject, "spender"))


def _no_member(sender: Sender, data: st.DataObject) -> Submission:
    role = data.draw(st.sampled_from(["theirs", "rich", "bank"]))
    return sender.submit(OPERATOR, RemoveMember(sender.names[role], "usr_nobody"))


def _approvals(sender: Sender, data: st.DataObject) -> Submission:
    caller = data.draw(st.sampled_from([ANNA, BEN, BEN, CARL, OPERATOR]))
    required = data.draw(st.sampled_from([1, 1, 1, 2, 0]))
    command = ChangeApprovals(sender.names["household"], required, THRESHOLD)
    return sender.submit(caller, command)


def _new(sender: Sender, data: st.DataObject) -> Submission:
    return sender.open(f"new {len(sender.names)}", data.draw(st.sampled_from(CALLERS)))


CHANGES: dict[str, Wish] = {
    "on a wallet": Wish("done", _on_a_wallet, 3),
    "overdraft": Wish("done", _overdraft, 2),
    "overdraft in use": Wish("overdraft-in-use", _overdraft_in_use),
    "not empty": Wish("wallet-not-empty", _not_empty),
    "limits": Wish("done", _limits, 2),
    "member": Wish("done", _member, 2),
    "back in place": Wish("done", _back_in_place, 2),
    "last owner": Wish("last-owner", _last_owner),
    "not shared": Wish("wallet-not-shared", _not_shared),
    "no member": Wish("member-not-found", _no_member),
    "approvals": Wish("done", _approvals, 2),
    "open": Wish("done", _new),
}
"""What a request is drawn for, and by what."""
