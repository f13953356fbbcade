
// Where pictures come from: a chosen file, one that is dropped, the clipboard, the camera.

/** Call give(file) whenever there is one and tell(sentence) when something went wrong. */
function listen(elements, give, tell) {
  listenToFiles(elements, give);
  listenToDrops(give, tell);
  listenToClipboard(give);
  listenToCamera(elements, give, tell);
}

function listenToFiles({ file }, give) {
  file.addEventListener("change", () => {
    if (file.files.length) give(file.files[0]);
    file.value = ""; // the same file again is a change, too
  });
}

function listenToDrops(give, tell) {
  const mark = (on) => document.body.classList.toggle("dragging", on);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    mark(true);
  });
  document.addEventListener("dragleave", (event) => mark(event.relatedTarget !== null));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(false);
    const [dropped] = event.dataTransfer.files;
    if (dropped) give(dropped);
    else tell("That was no file: save the picture first, or copy it and paste it here.");
  });
}

function listenToClipboard(give) {
  document.addEventListener("paste", (event) => {
    const [pasted] = event.clipboardData.files;
    if (!pasted) return; // text that goes into a field
    event.preventDefault();
    give(pasted);
  });
}

function listenToCamera({ cameraStart, cameraStop, cameraTake, camera, video }, give, tell) {
  let stream = null;
  const stop = () => {
    if (stream) for (const track of stream.getTracks()) track.stop();
    stream = video.srcObject = null;
    camera.hidden = true;
    cameraStart.hidden = false;
  };
  cameraStart.addEventListener("click", async () => {
    if (!navigator.mediaDevices) {
      tell("Browsers give a page the camera only on https or localhost: open this page as http://localhost.");
      return;
    }
    try {
      const opened = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      stop();
      stream = video.srcObject = opened;
      if (document.hidden) return void stop(); // the reader left while the browser asked
      camera.hidden = false;
      cameraStart.hidden = true;
      await video.play();
      cameraTake.focus();
    } catch (error) {
      stop();
      tell(`The camera cannot be used: ${error.message} (${error.name}).`);
    }
  });
  cameraStop.addEventListener("click", () => {
    stop();
    cameraStart.focus();
  });
  cameraTake.addEventListener("click", async () => {
    if (!video.videoWidth) return;
    const canvas = canvasOf(video.videoWidth, video.videoHeight);
    canvas.getContext("2d").drawImage(video, 0, 0);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
    give(new File([blob], "camera.jpg", { type: blob.type }));
  });
  document.addEventListener("visibilitychange", () => document.hidden && stop());
  addEventListener("pagehide", stop);
}
