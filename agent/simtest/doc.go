// Package simtest runs the whole engine, as it is, against an API server in
// memory and in virtual time: agent's queue, passes, applies and watches are the
// real ones; only Git with the renderers is a script, and the network a function
// (DESIGN.md sections 3 D11 and 5). All of a world lives in a bubble of
// testing/synctest, so that back-offs of minutes cost nothing.
//
// There are two ways to use a world:
//
//   - Seeds (seeds.go): what Git states, what others do and what goes
//     wrong is drawn from a number. While it goes on, the watchman (watchful.go,
//     ledger.go) checks every write as the server takes it; afterwards all has to
//     be as Git says, and quiet (settle.go).
//     So it is with several replicas of the engine (replicas.go), which divide the
//     Applications, are killed and told to end, and come again.
//   - Scripts (script.go, testdata/*.txt): a story in few verbs, and
//     what happens at which second. go test -run TestScripts -rewrite writes what
//     was printed.
//
// A seed that fails prints its story, line by line, and the command to live
// through it again. Faults are decided by the seed and by what a request is, not
// by which goroutine was first; but select and maps are random, and so are the
// engine's jitters: if a seed does not fail again at once, -again 50 tries.
//
//	go test ./agent/simtest -run 'TestSeeds$' -seeds 10000 -first 1
//	go test ./agent/simtest -run 'TestSeeds$' -seed 42 -v
//
// A new fault of a request is a constant in wire.go, and a place in run.fault; of
// anything else, and a new thing that others do, a case in run.act. A new property
// that holds at every write is a method of the watchman, one that holds at the end
// a line in run.settles. Then break the engine on purpose, and see that it fails: a file of
// testdata/mutations is such a break, and -mutations tries them all.
//
//	go test ./agent/simtest -run TestMutations -mutations -v -timeout 1h
//
// Nothing here imports testing: the tests of the package do.
package simtest
