namespace AttnKernels.Verification.Ptx;

/// <summary>A kernel did what a GPU would fault on, or what PTX leaves undefined.</summary>
internal sealed class PtxFaultException(string message) : Exception(message);
