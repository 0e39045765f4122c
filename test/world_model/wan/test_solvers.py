import pytest
import torch

from action_images_ros.world_model.wan.solvers import Solver


def run(name, steps, velocity, x, shift=5.0):
    solver = Solver(name, steps, shift)
    for level in solver.levels[:-1]:
        x = solver.step(velocity(x, level), x)
    return x


@pytest.mark.parametrize("name", ["euler", "unipc", "dpm++"])
def test_a_straight_way_is_followed_to_its_end(name):
    clean, noise = torch.randn(3, 4), torch.randn(3, 4)
    assert torch.allclose(run(name, 5, lambda x, s: noise - clean, noise), clean, atol=1e-4)


def test_the_solvers_of_higher_order_need_fewer_steps_on_a_bent_way():
    """Gaussian data of deviation 0.3 around 1: the flow is known, x(0) = 1 + 0.3 x(1).

    With shift 1: with 5 the last step, from 0.36 to 0 and of first order in every solver, makes most of the error.
    """

    def velocity(x, s):
        variance = (1 - s) ** 2 * 0.09 + s**2
        clean = 1 + (1 - s) * 0.09 / variance * (x - (1 - s))
        return (x - clean) / s

    noise = torch.linspace(-2, 2, 9, dtype=torch.float64).view(1, 9, 1)
    errors = {
        name: float((run(name, 10, velocity, noise, shift=1.0) - (1 + 0.3 * noise)).abs().max())
        for name in ("euler", "unipc", "dpm++")
    }
    assert errors["unipc"] < errors["euler"] / 2 and errors["dpm++"] < errors["euler"] / 2


@pytest.mark.parametrize("name", ["unipc", "dpm++"])
def test_every_solver_visits_the_levels_the_weights_know(name):
    assert Solver(name, 4, 5.0).levels == pytest.approx([1, 0.9375, 0.83333, 0.625, 0], abs=1e-4)
