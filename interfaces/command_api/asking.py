"""Between a route and its ledger: a submission goes in, a response or a problem comes back."""

from starlette.responses import Response

from application.commands import (
    Answer,
    Defect,
    DryRun,
    Outcome,
    Overloaded,
    Submission,
    Unanswered,
    WouldComplete,
)
from domain.refusals import Refusal, Rejection
from interfaces.command_api.answers import encode
from interfaces.command_api.branch import Branch
from interfaces.command_api.gate import respond
from interfaces.command_api.outcomes import problem_of


async def answer(branch: Branch, work: Submission, instance: str) -> Response:
    """Return the answer on record; `instance` is the path as it is written in the contract.

    However a client spells it, the answer on record is the same to the byte.
    """
    outcome = await _ask(branch, work)
    assert isinstance(outcome, Answer)
    status, document = branch.outcomes.answered(outcome, instance)
    return respond(status, encode(document), position=outcome.position, replayed=outcome.replayed)


async def dry_run(branch: Branch, work: DryRun, instance: str) -> Response:
    """Return what would come of a payment now."""
    outcome = await _ask(branch, work)
    if isinstance(outcome, WouldComplete):
        return respond(200, encode(branch.outcomes.newest.would_complete(outcome)))
    assert isinstance(outcome, Refusal)
    document = branch.outcomes.newest.refusal(outcome, work.command.currency, instance)
    return respond(422, encode(document))


async def _ask(branch: Branch, work: Submission | DryRun) -> Outcome:
    try:
        outcome = await branch.desk.ask(work)
    except Overloaded as overloaded:
        raise problem_of(overloaded) from None
    if isinstance(outcome, Rejection | Unanswered | Defect):
        raise problem_of(outcome)
    return outcome
