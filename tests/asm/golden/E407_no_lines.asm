# nothing yet
var x = 3
