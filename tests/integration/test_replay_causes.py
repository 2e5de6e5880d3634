"""`replay payment` tells what a payment was made for: a schedule's day, or somebody's request."""

from domain.identifiers import PaymentId, payment_id, payment_request_id
from domain.instants import moment
from domain.payment_requests import AcceptPaymentRequest, RequestPayment
from infrastructure.event_log.reader import EventReader
from tests.books import falcon_json
from tests.scene import ANN, SHOP, Scene
from tests.standing_orders import StandingOrders


def last_payment(scene: Scene) -> PaymentId:
    with scene.databases.connect("audit") as connection:
        events = list(EventReader(connection).all())
    paid = [event.stream_id for event in events if event.type == "payment.completed.v1"]
    return PaymentId(paid[-1])


def story_of(scene: Scene, payment: PaymentId) -> str:
    (step,) = falcon_json(scene.databases, "replay", "payment", payment)["steps"]
    return str(step["story"])


def test_a_payment_of_a_schedule_names_it(timed: Scene) -> None:
    today = moment(timed.after().rows[-1].recorded_at).date()
    orders = StandingOrders(timed, today)
    schedule = orders.make()
    orders.run(orders.go_on_to(orders.first))
    told = story_of(timed, last_payment(timed))
    assert " paid 0.10 EUR from " in told
    assert f", for the schedule {schedule}" in told


def test_a_payment_that_was_asked_for_names_the_request(timed: Scene) -> None:
    writer = timed.one
    stream, paying = writer.stream(None), writer.stream(None)
    request = payment_request_id(stream)
    asked = RequestPayment(
        payment_request_id=request,
        wallet_id=timed.shop,
        amount=25,
        currency="EUR",
        payer=None,
        description="Lunch",
        expires_in=3_600,
    )
    writer.one(writer.submission(asked, stream, SHOP))
    accepted = AcceptPaymentRequest(payment_id(paying), request, timed.home)
    writer.one(writer.submission(accepted, paying, ANN))
    told = story_of(timed, payment_id(paying))
    assert told.startswith("usr_ann (a member) paid 0.25 EUR from ")
    assert f", for the payment request {request}" in told
