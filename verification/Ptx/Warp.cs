using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using AttnKernels.Verification.Ptx.Operations;

namespace AttnKernels.Verification.Ptx;

/// <summary>
/// 32 lanes in step. Lanes that part at a branch run one side after the other and go on together where the sides meet.
/// </summary>
internal sealed class Warp
{
    public const int Lanes = 32;

    /// <summary>More than any case asks of a warp: a kernel that does not end is a finding, too.</summary>
    private const long MostInstructions = 1L << 31;

    private readonly Operation[] code;
    private readonly ulong[] registers;
    private Path[] paths = new Path[8];
    private int depth;
    private long executed;

    public Warp(PtxGroup group, int number)
    {
        (Group, Number) = (group, number);
        code = group.Program.Code;
        registers = new ulong[group.Program.Slots * Lanes];
    }

    public PtxGroup Group { get; }

    /// <summary>Its place in the group.</summary>
    public int Number { get; }

    /// <summary>The lanes that have not ended.</summary>
    public uint Living { get; private set; }

    /// <summary>What it executes, or executed last.</summary>
    public Operation? Current { get; private set; }

    /// <summary>The barrier where it waits.</summary>
    public GroupBarrier? Waiting { get; set; }

    /// <summary>The group's number of lane 0.</summary>
    public int FirstLane => Number * Lanes;

    /// <summary>Ready for a new group.</summary>
    public void Start()
    {
        PtxProgram program = Group.Program;
        // What no instruction has written is a NaN, and no address.
        registers.AsSpan().Fill(0x7FC0_DEAD);
        foreach (int slot in program.Predicates) registers.AsSpan(slot * Lanes, Lanes).Clear();
        foreach ((int slot, ulong value) in program.Constants) registers.AsSpan(slot * Lanes, Lanes).Fill(value);
        registers.AsSpan(program.GroupSlot * Lanes, Lanes).Fill((ulong)Group.Index);
        registers.AsSpan(program.GroupSizeSlot * Lanes, Lanes).Fill((ulong)Group.Size);
        for (int lane = 0; lane < Lanes; lane++) registers[program.LaneSlot * Lanes + lane] = (ulong)(FirstLane + lane);
        Living = uint.MaxValue;
        (depth, executed, Current, Waiting) = (0, 0, null, null);
        Push(0, -1, Living);
    }

    /// <summary>The first lane's register of that slot; those of the others follow.</summary>
    public ref ulong Register(int slot) => ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(registers), slot * Lanes);

    /// <summary>All lanes' registers of that slot.</summary>
    public Span<ulong> Values(int slot) => registers.AsSpan(slot * Lanes, Lanes);

    /// <summary>Runs until all lanes wait at a barrier or have ended.</summary>
    public void Run()
    {
        while (Waiting is null && depth > 0)
        {
            ref Path path = ref paths[depth - 1];
            if (path.Lanes == 0 || path.Next == path.Join)
            {
                depth--;
                continue;
            }
            if (path.Next == code.Length) throw new PtxFaultException("runs past its last instruction");
            if (++executed > MostInstructions) throw new PtxFaultException($"does not end within {MostInstructions} instructions");
            Current = code[path.Next++];
            uint lanes = path.Lanes & Current.Guarded(this);
            if (lanes != 0) Current.Execute(this, lanes);
        }
    }

    /// <summary>Those lanes go on at <paramref name="target"/>, the others of the path behind the branch, until both are at
    /// <paramref name="join"/>.</summary>
    public void Branch(uint taken, int target, int join, bool isUniform)
    {
        ref Path path = ref paths[depth - 1];
        uint others = path.Lanes & ~taken;
        if (others == 0)
        {
            path.Next = target;
            return;
        }
        if (isUniform)
        {
            throw new PtxFaultException(
                $"says that all lanes branch alike (.uni), but {BitOperations.PopCount(taken)} of {BitOperations.PopCount(path.Lanes)} do");
        }
        int next = path.Next;
        if (path.Join == join) depth--;
        else path.Next = join;
        Push(next, join, others);
        Push(target, join, taken);
    }

    /// <summary>Those lanes have ended.</summary>
    public void End(uint lanes)
    {
        Living &= ~lanes;
        for (int n = 0; n < depth; n++) paths[n].Lanes &= ~lanes;
    }

    /// <summary>Instructions that a warp executes as one need all of its lanes.</summary>
    public void RequireAll(uint lanes)
    {
        if (lanes != uint.MaxValue)
            throw new PtxFaultException($"is executed by {BitOperations.PopCount(lanes)} lanes of a warp, and needs all {Lanes} together");
    }

    private void Push(int next, int join, uint lanes)
    {
        if (depth == paths.Length) Array.Resize(ref paths, 2 * depth);
        paths[depth++] = new Path { Next = next, Join = join, Lanes = lanes };
    }

    /// <summary>Lanes that are at the same instruction.</summary>
    private struct Path
    {
        public int Next;
        public int Join;
        public uint Lanes;
    }
}
