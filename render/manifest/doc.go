// Package manifest holds the value that flows from rendering to applying: an
// [Object] is one Kubernetes object as Git states it, a [Set] all those of one
// Application.
//
// Start with [Parse]. An Object is immutable and keeps its body as JSON; what a
// Secret holds leaves the body at parse and becomes [secrets.Value], so that an
// Object can be printed, hashed and kept without care.
package manifest
