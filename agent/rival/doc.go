// Package rival tells whether Argo CD works on an Application, too. Two that write undo
// each other's work, so this agent leaves such an Application alone until it is its own.
//
// Start with [Judge], which goes by what the Application itself says, and by what a
// [Lookout] has seen of Argo CD's controller.
package rival
