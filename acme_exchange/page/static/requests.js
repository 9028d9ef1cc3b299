// What is asked over HTTP. A refusal keeps the venue's own words.

const PATIENCE_MILLISECONDS = 15_000;
const MOST_TRIES = 4;

/** The venue refused, in its words; `status` 0: it did not answer, so that the outcome is not known. */
export class Refusal extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

/** JSON, in which numbers with a fraction stay the text that they were: no digit of an amount is lost. */
function parsed(text) {
  return JSON.parse(text, (name, value, context) =>
    typeof value === "number" && context?.source && !Number.isInteger(value) ? context.source : value,
  );
}

async function asked(method, path, body) {
  const options = { method, signal: AbortSignal.timeout(PATIENCE_MILLISECONDS) };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers = { "Content-Type": "application/json" };
  }
  try {
    const response = await fetch(path, options);
    return { response, answer: parsed(await response.text()) };
  } catch {
    throw new Refusal(0, "The venue did not answer");
  }
}

async function request(method, path, body, tries = 1) {
  const { response, answer } = await asked(method, path, body);
  if (answer.success) return answer;
  if (response.status !== 429 || tries <= 1) throw new Refusal(response.status, answer.error);
  await pause(1000 * Number(response.headers.get("Retry-After") ?? 1));
  return request(method, path, body, tries - 1);
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** The result of a read, which is repeated where the venue asks to wait. */
export async function read(path) {
  return (await request("GET", `/page${path}`, undefined, MOST_TRIES)).result;
}

/** The result of what changes something, which is sent once. */
export async function send(method, path, body) {
  return (await request(method, `/page${path}`, body)).result;
}
