// Package bundle makes what somebody who was not there needs to find out what is wrong
// with an agent: one archive, without anything secret in it.
//
// Start with [Archive.Write]. What is kept of objects is chosen field by field: whatever people
// write values into is left out, and said to be. After that whatever is known to be
// secret is taken out of all texts once more.
package bundle
