// Package rival tells whether Argo CD, or another Tidelock, works on an Application or an
// ApplicationSet, too. Two that write undo each other's work, so this agent leaves such an
// object alone until it is its own.
//
// Start with [Judge], which goes by what the Application itself says, and by what a
// [Lookout] has seen of Argo CD's controller; [JudgeSet] and [JudgeTidelock] are alike.
package rival
