using System.Runtime.CompilerServices;
using AttnKernels.Simulation;

namespace ILGPU;

/// <summary>The thread group of the running lane: its index in the group, the group's size, and what all lanes of it do together.</summary>
public static class Group
{
    /// <summary>Index of the lane in the group, first axis.</summary>
    public static int IdxX => Lane.Here.Index.X;

    /// <summary>Index of the lane in the group, second axis.</summary>
    public static int IdxY => Lane.Here.Index.Y;

    /// <summary>Index of the lane in the group, third axis.</summary>
    public static int IdxZ => Lane.Here.Index.Z;

    /// <summary>Index of the lane in the group.</summary>
    public static Index3D Index => Lane.Here.Index;

    /// <summary>Lanes of a group along the first axis.</summary>
    public static int DimX => Lane.Here.Runner.GroupDim.X;

    /// <summary>Lanes of a group along the second axis.</summary>
    public static int DimY => Lane.Here.Runner.GroupDim.Y;

    /// <summary>Lanes of a group along the third axis.</summary>
    public static int DimZ => Lane.Here.Runner.GroupDim.Z;

    /// <summary>Lanes of a group along each axis.</summary>
    public static Index3D Dimension => Lane.Here.Runner.GroupDim;

    /// <summary>Number of the lane in the group, the first axis fastest.</summary>
    public static int LinearIndex => Lane.Here.Linear;

    /// <summary>True for the first lane of the group.</summary>
    public static bool IsFirstThread => Lane.Here.Linear == 0;

    /// <summary>True for the last lane of the group.</summary>
    public static bool IsLastThread => Lane.Here.Linear == Lane.Here.Runner.GroupDim.Size - 1;

    /// <summary>Waits for all lanes of the group, and orders their memory accesses.</summary>
    public static void Barrier([CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        GroupCollective.Barrier(Lane.Here, file, line);

    /// <summary>A barrier that gives every lane the number of lanes whose predicate is true.</summary>
    public static int BarrierPopCount(bool predicate, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        GroupCollective.Vote(Lane.Here, predicate, file, line);

    /// <summary>A barrier that tells every lane whether all predicates are true.</summary>
    public static bool BarrierAnd(bool predicate, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        GroupCollective.Vote(Lane.Here, !predicate, file, line) == 0;

    /// <summary>A barrier that tells every lane whether any predicate is true.</summary>
    public static bool BarrierOr(bool predicate, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        GroupCollective.Vote(Lane.Here, predicate, file, line) != 0;

    /// <summary>The value of lane <paramref name="groupIndex"/> of the group; all lanes must name the same one.</summary>
    public static T Broadcast<T>(T value, int groupIndex, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        where T : unmanaged =>
        GroupCollective.Broadcast(Lane.Here, value, groupIndex, file, line);
}

/// <summary>The grid of the running launch and the place of the lane's group in it.</summary>
public static class Grid
{
    /// <summary>Index of the group in the grid, first axis.</summary>
    public static int IdxX => Lane.Here.Runner.GroupIndex.X;

    /// <summary>Index of the group in the grid, second axis.</summary>
    public static int IdxY => Lane.Here.Runner.GroupIndex.Y;

    /// <summary>Index of the group in the grid, third axis.</summary>
    public static int IdxZ => Lane.Here.Runner.GroupIndex.Z;

    /// <summary>Index of the group in the grid.</summary>
    public static Index3D Index => Lane.Here.Runner.GroupIndex;

    /// <summary>Groups of the grid along the first axis.</summary>
    public static int DimX => Lane.Here.Runner.GridDim.X;

    /// <summary>Groups of the grid along the second axis.</summary>
    public static int DimY => Lane.Here.Runner.GridDim.Y;

    /// <summary>Groups of the grid along the third axis.</summary>
    public static int DimZ => Lane.Here.Runner.GridDim.Z;

    /// <summary>Groups of the grid along each axis.</summary>
    public static Index3D Dimension => Lane.Here.Runner.GridDim;

    /// <summary>Number of the group in the grid, the first axis fastest.</summary>
    public static int LinearIndex
    {
        get
        {
            Index3D index = Index, dim = Dimension;
            return (index.Z * dim.Y + index.Y) * dim.X + index.X;
        }
    }

    /// <summary>Index of the lane over the whole grid.</summary>
    public static Index3D GlobalIndex => Index * Group.Dimension + Group.Index;

    /// <summary>Number of the lane over the whole grid, group by group.</summary>
    public static int GlobalLinearIndex => LinearIndex * Group.Dimension.Size + Group.LinearIndex;
}
