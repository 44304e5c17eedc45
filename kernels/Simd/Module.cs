// Kernels put small arrays on the stack and always write them before they read them.
[module: System.Runtime.CompilerServices.SkipLocalsInit]
