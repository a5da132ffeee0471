// Package blast tells what a change of Git does to clusters before they see it: two
// states of Applications in, the objects that differ out, with what is at stake. It is
// pure: no cluster, no clock, no globals.
//
// Start with [Of]. A [Radius] prints as JSON and, for the comment of a pull request,
// as [Radius.Markdown]. What a Secret holds is in none of it.
package blast
