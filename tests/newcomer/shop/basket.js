// A basket in Node.js, with metrics of its own; it takes its port from the environment.
const http = require("node:http");
let served = 0;
http
  .createServer((request, response) => {
    if (request.url === "/metrics") {
      return response.end(`# TYPE basket_requests_total counter\nbasket_requests_total ${served}\n`);
    }
    served += 1;
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ items: [], served }));
  })
  .listen(Number(process.env.PORT), "127.0.0.1");
