from action_images_ros import gl


def test_the_users_choice_of_backend_is_kept(monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "my-own")
    gl._set_default()
    assert gl.os.environ["MUJOCO_GL"] == "my-own"


def test_egl_is_preferred_and_osmesa_is_the_way_out(monkeypatch):
    present = {"EGL": "libEGL.so.1", "OSMesa": "libOSMesa.so.8"}
    monkeypatch.setattr(gl.ctypes.util, "find_library", present.get)
    assert gl.choose_backend() == "egl"
    del present["EGL"]
    assert gl.choose_backend() == "osmesa"
    monkeypatch.delenv("MUJOCO_GL")
    gl._set_default()
    assert gl.os.environ["MUJOCO_GL"] == "osmesa"


def test_without_a_library_the_choice_is_left_to_mujoco(monkeypatch):
    monkeypatch.setattr(gl.ctypes.util, "find_library", lambda name: None)
    monkeypatch.delenv("MUJOCO_GL")
    gl._set_default()
    assert "MUJOCO_GL" not in gl.os.environ
