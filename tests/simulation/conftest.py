def pytest_addoption(parser):
    parser.addoption("--seed", type=int, help="the one history to play")
