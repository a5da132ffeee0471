// Package migrate plans the hand-over of a cluster from Argo CD to Tidelock: what is
// there, what is done by now, what is to be done next, and what will not be there any
// more. It is pure: hand it what was found.
//
// Start with [Of].
package migrate
