"""Users of gevent at the pause gate, with short waits and no Locust."""

from __future__ import annotations

import gevent

from leakdrill.load.in_locust.pause_gate import PauseGate


class DrainedOrders:
    """Remembers which orders were reported as drained."""

    def __init__(self) -> None:
        self.orders: list[int] = []

    def __call__(self, order: int, _seconds: float) -> None:
        self.orders.append(order)


def visitor(pause_gate: PauseGate, tasks: list[float], requests: int = 1) -> None:
    with pause_gate.user():
        for _ in range(20):
            pause_gate.hold()
            tasks.append(pause_gate.clock())
            gevent.sleep(0.001)
            for _ in range(requests):
                pause_gate.on_request()
            pause_gate.task_ended()
            pause_gate.sleep(0.001)


def test_tasks_without_a_request_do_not_use_up_the_number() -> None:
    """Users that make no request are let in for as long as they come; those that do make exactly the number."""
    drained = DrainedOrders()
    pause_gate = PauseGate(drained)
    pause_gate.resume(1, 5)
    idle: list[float] = []
    busy: list[float] = []
    gevent.joinall([gevent.spawn(visitor, pause_gate, idle, 0) for _ in range(2)])
    users = [gevent.spawn(visitor, pause_gate, busy) for _ in range(3)]
    gevent.sleep(0.05)
    assert (len(idle), len(busy)) == (40, 5)
    assert drained.orders == [1]
    gevent.killall(users)


def test_each_order_is_answered_once_and_one_that_finds_all_at_rest_at_once() -> None:
    drained = DrainedOrders()
    pause_gate = PauseGate(drained)
    user = gevent.spawn(visitor, pause_gate, [])
    gevent.sleep(0.005)
    pause_gate.pause(1)
    gevent.sleep(0.02)
    pause_gate.pause(2)
    assert drained.orders == [1, 2]
    assert pause_gate.shut
    pause_gate.resume(3)
    assert not pause_gate.shut
    gevent.kill(user)


def test_a_request_in_flight_beside_the_users_keeps_it_from_being_drained() -> None:
    drained = DrainedOrders()
    pause_gate = PauseGate(drained)
    with pause_gate.request():
        pause_gate.pause(1)
        assert drained.orders == []
    assert drained.orders == [1]


def test_the_clock_stands_still_while_it_is_shut() -> None:
    """Two pauses of 5 s leave 7 of 17 s."""
    now = [0.0]
    pause_gate = PauseGate(DrainedOrders(), clock=lambda: now[0])
    for order, (pause_at, resume_at) in enumerate([(2.0, 7.0), (10.0, 15.0)]):
        now[0] = pause_at
        pause_gate.pause(2 * order + 1)
        now[0] = resume_at
        assert pause_gate.clock() == pause_at - 5 * order
        pause_gate.resume(2 * order + 2)
    now[0] = 17.0
    assert (pause_gate.clock(), pause_gate.frozen_s()) == (7.0, 10.0)
