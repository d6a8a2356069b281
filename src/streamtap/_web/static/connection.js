// The connection to the process's events.

export class Connection {
  #status;
  #receive;
  #source = null;
  #retry = 0;
  #doubt = 0;
  #range = '';

  /**
   * @param status The element that shows the state of the connection.
   * @param receive Called with the type of each event, `all` or `more`, and its data.
   */
  constructor(status, receive) {
    this.#status = status;
    this.#receive = receive;
  }

  /** The seconds that figures and tables are of; empty for the last 15 minutes, and what has been since the beginning. */
  get range() {
    return this.#range;
  }

  set range(seconds) {
    this.#range = seconds;
    this.open();
  }

  open() {
    this.close();
    this.#connect();
  }

  #connect() {
    this.#source = new EventSource(this.#range ? `events?range=${this.#range}` : 'events');
    for (const type of ['all', 'more']) this.#source.addEventListener(type, (event) => this.#take(event));
    this.#source.addEventListener('error', () => this.#lost());
  }

  close() {
    clearTimeout(this.#retry);
    this.#trust();
    this.#source?.close();
  }

  #take({ type, data }) {
    this.#trust();
    this.#receive(type, JSON.parse(data));
    this.#say('live', 'live');
  }

  #lost() {
    // A mounted page's stream ends now and then and goes on a second later: only what lasts is news.
    this.#doubt ||= setTimeout(() => this.#tell(), 2500);
    // A browser gives up by itself if the response was not a stream, for instance because its cookie has expired.
    if (this.#source.readyState === EventSource.CLOSED) this.#retry = setTimeout(() => this.#connect(), 2000);
  }

  async #tell() {
    // An EventSource does not say why it failed.
    const answer = await fetch('icon.svg').catch(() => null);
    if (!this.#doubt) return;
    this.#doubt = setTimeout(() => this.#tell(), 2500);
    this.#say('lost', answer?.status === 401 ? 'signed out: open the address with the token again' : 'connection lost, reconnecting');
  }

  #trust() {
    clearTimeout(this.#doubt);
    this.#doubt = 0;
  }

  #say(state, text) {
    if (this.#status.dataset.state === state && this.#status.textContent === text) return;
    this.#status.dataset.state = state;
    this.#status.textContent = text;
  }
}
