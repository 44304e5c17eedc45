namespace AttnKernels;

/// <summary>What a plan is made for.</summary>
internal interface IProblem
{
    /// <summary>Checks that the problem does not contradict itself.</summary>
    /// <exception cref="ArgumentException">It does; the message says in what.</exception>
    void Validate();
}
