// Command bench measures the agent on a control plane of its own: a repository of
// many services, an Application for each, and what people and time do to them.
//
//	go run ./cmd/bench                                # 100 services, some minutes
//	go run ./cmd/bench --services 10 --scenarios cold,one
//	go run ./cmd/bench --services 1000 --replicas 3   # some minutes more
//	go run ./cmd/bench --services 1000 --memory       # what an Application and an object take
//	go run ./cmd/bench --json results.json --agent /tmp/another/tidelock
//
// Wall time ends when a watch of the bench's own has seen every object as it is in
// Git; CPU time and requests also count what the agent does until its
// Applications say so and no look at any is due. Memory is the highest sum, over the
// agent and its plugin processes, of proportional set sizes. Requests are the agent's
// own, from the API server's audit log; those by which Applications name a commit that
// changed nothing of them come later, at their own pace, and are counted apart. Of
// several replicas the sum is shown, and the most that one needs.
//
// scenarios.go says what is measured, monorepo.go on what, run.go in which order;
// objects.go is the watch, meter.go the measuring, report.go the table, memory.go what
// --memory does.
package main
