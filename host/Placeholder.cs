namespace AttnKernels;
