namespace AttnKernels.Verification.Ptx;

/// <summary>
/// Where the lanes of a warp that part at a branch meet again: at the branch's immediate post-dominator, the first instruction that every
/// way to the end passes. PTX promises it nowhere; it is what NVIDIA's assembler does.
/// Cooper, Harvey and Kennedy, A Simple, Fast Dominance Algorithm, on the reversed graph.
/// </summary>
internal sealed class ControlFlow
{
    private readonly PtxModule module;
    private readonly List<int> starts = [0];
    private readonly List<List<int>> successors = [];
    private readonly List<List<int>> predecessors = [];
    private readonly int exit;
    private readonly int[] order;
    private readonly int[] dominators;

    public ControlFlow(PtxModule module)
    {
        this.module = module;
        SortedSet<int> leaders = [.. module.Labels.Values];
        for (int n = 0; n < module.Instructions.Count; n++)
        {
            if (IsBranch(module.Instructions[n]) || IsReturn(module.Instructions[n])) leaders.Add(n + 1);
        }
        starts.AddRange(leaders.Where(start => start > 0 && start < module.Instructions.Count));
        exit = starts.Count;
        for (int block = 0; block <= exit; block++)
        {
            successors.Add([]);
            predecessors.Add([]);
        }
        for (int block = 0; block < exit; block++)
        {
            foreach (int next in Successors(block)) Connect(block, next);
        }
        order = new int[exit + 1];
        dominators = new int[exit + 1];
        FindPostDominators();
    }

    public static bool IsBranch(PtxInstruction instruction) => instruction.Opcode is "bra" or "bra.uni";

    public static bool IsReturn(PtxInstruction instruction) => instruction.Opcode is "ret" or "exit";

    /// <summary>
    /// The instruction where lanes that part at instruction <paramref name="branch"/> meet; one past the last: at the end.
    /// </summary>
    public int Join(int branch)
    {
        int at = starts.BinarySearch(branch);
        int block = dominators[at < 0 ? ~at - 1 : at];
        if (block < 0) throw new FormatException($"{module.Instructions[branch]}: nothing behind it returns.");
        return block == exit ? module.Instructions.Count : starts[block];
    }

    private IEnumerable<int> Successors(int block)
    {
        int end = block + 1 < exit ? starts[block + 1] : module.Instructions.Count;
        PtxInstruction last = module.Instructions[end - 1];
        if (IsReturn(last))
        {
            yield return exit;
            if (last.Guard is null) yield break;
        }
        if (IsBranch(last))
        {
            yield return BlockOf(module.Target(last));
            if (last.Guard is null) yield break;
        }
        yield return BlockOf(end);
    }

    private int BlockOf(int start) => start == module.Instructions.Count ? exit : starts.BinarySearch(start);

    private void Connect(int from, int to)
    {
        successors[from].Add(to);
        predecessors[to].Add(from);
    }

    private void FindPostDominators()
    {
        List<int> postorder = Postorder();
        Array.Fill(order, -1);
        for (int n = 0; n < postorder.Count; n++) order[postorder[n]] = n;
        Array.Fill(dominators, -1);
        dominators[exit] = exit;
        for (bool changed = true; changed;)
        {
            changed = false;
            for (int n = postorder.Count - 2; n >= 0; n--)
            {
                int block = postorder[n];
                int found = -1;
                foreach (int next in successors[block].Where(next => dominators[next] >= 0))
                    found = found < 0 ? next : Common(next, found);
                if (found == dominators[block]) continue;
                dominators[block] = found;
                changed = true;
            }
        }
    }

    private int Common(int a, int b)
    {
        while (a != b)
        {
            while (order[a] < order[b]) a = dominators[a];
            while (order[b] < order[a]) b = dominators[b];
        }
        return a;
    }

    /// <summary>Blocks in the order in which a walk from the end against all arrows leaves them; the end is last.</summary>
    private List<int> Postorder()
    {
        List<int> left = [];
        HashSet<int> seen = [exit];
        Stack<(int Block, int Next)> open = new([(exit, 0)]);
        while (open.TryPop(out (int Block, int Next) at))
        {
            if (at.Next == predecessors[at.Block].Count)
            {
                left.Add(at.Block);
                continue;
            }
            open.Push((at.Block, at.Next + 1));
            int before = predecessors[at.Block][at.Next];
            if (seen.Add(before)) open.Push((before, 0));
        }
        return left;
    }
}
