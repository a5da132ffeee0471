// Command demo runs the main job of Tidelock on this machine and shows it: a real
// control plane, a real Git repository with examples/infra-gitops, and the agent
// between them.
//
//	go run ./examples/infra-gitops/demo          # or: make demo
//	go run ./examples/infra-gitops/demo -keep    # or: make demo KEEP=1
//
// It checks all that it tells and stops at the first thing that is not so. Exit
// status: 0 all was as told; 1 something was not, and the output says what was
// seen instead; 2 wrong usage.
//
// story.go has the scenes in their order, one file each; stage.go what they are
// played on; terminal.go how it looks.
package main
