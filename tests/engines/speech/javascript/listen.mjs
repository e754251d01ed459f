// The official Speech SDK as a customer's program uses it. Each line on stdin is a task: {address, file, mode, detailed}
// with a mode of "once" or "continuous"; each is answered with a line: {texts, ends, hypotheses, json, reason, words}
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import * as sdk from "microsoft-cognitiveservices-speech-sdk";

function recognizer({ address, file, detailed }) {
  const config = sdk.SpeechConfig.fromHost(new URL(address));
  config.speechRecognitionLanguage = "en-US";
  if (detailed) {
    config.outputFormat = sdk.OutputFormat.Detailed;
    config.requestWordLevelTimestamps();
  }
  const sound = file.endsWith(".wav")
    ? sdk.AudioConfig.fromWavFileInput(readFileSync(file))
    : sdk.AudioConfig.fromStreamInput(sdk.AudioInputStream.createPushStream());
  return new sdk.SpeechRecognizer(config, sound);
}

function note(told, result) {
  if (result.reason === sdk.ResultReason.RecognizedSpeech) {
    told.texts.push(result.text);
    told.ends.push(result.offset + result.duration);
    told.json.push(result.json);
  }
}

function once(task, told) {
  const hearing = recognizer(task);
  return new Promise((resolve) => {
    hearing.recognizing = (_, event) => told.hypotheses.push(event.result.text);
    const over = (reason, words) => hearing.close(() => resolve({ ...told, reason, words }), () => resolve(told));
    hearing.recognizeOnceAsync(
      (result) => {
        note(told, result);
        over(sdk.ResultReason[result.reason], result.errorDetails ?? "");
      },
      (error) => over("Error", String(error)),
    );
  });
}

function continuous(task, told) {
  const hearing = recognizer(task);
  return new Promise((resolve) => {
    const over = () => hearing.close(() => resolve(told), () => resolve(told));
    hearing.recognizing = (_, event) => told.hypotheses.push(event.result.text);
    hearing.recognized = (_, event) => note(told, event.result);
    hearing.canceled = (_, event) => {
      told.reason = sdk.CancellationReason[event.reason];
      told.words = event.errorDetails ?? "";
      if (event.reason === sdk.CancellationReason.Error) over(); // the session may not have started, so it never stops
    };
    hearing.sessionStopped = over;
    hearing.startContinuousRecognitionAsync();
  });
}

const PATIENCE_MS = 120_000; // a test must not hang with an SDK that does

for await (const line of createInterface({ input: process.stdin })) {
  const task = JSON.parse(line);
  const patience = setTimeout(() => process.exit(1), PATIENCE_MS);
  const told = { texts: [], ends: [], hypotheses: [], json: [], reason: "", words: "" };
  console.log(JSON.stringify(await (task.mode === "once" ? once : continuous)(task, told)));
  clearTimeout(patience);
}
process.exit(0);
