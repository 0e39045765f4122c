from training_fixtures import config, episode_folder, episodes, tiny  # noqa: F401
