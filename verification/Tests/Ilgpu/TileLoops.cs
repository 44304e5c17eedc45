using System.Globalization;
using System.Text.RegularExpressions;
using AttnKernels.Devices.Ilgpu;
using AttnKernels.Kernels;

namespace AttnKernels.Tests.Ilgpu;

/// <summary>
/// What a register tile implies of its loops in the machine code: multiply-adds or products, the loads that feed them, and hardly an
/// instruction beside. More would be computed or loaded twice; fewer, and the loop was unrolled or split.
/// </summary>
internal static partial class TileLoops
{
    /// <summary>Instructions of a pass that count, compare, move addresses and jump back.</summary>
    private const int LoopItself = 8;

    /// <summary>The same where the terms of a masked score hold registers, and addresses are computed anew.</summary>
    private const int LoopBesideMasks = 12;

    /// <summary>Checks the loops of kernels that have register tiles; of others nothing.</summary>
    public static void ShouldFit(KernelEntry entry, PtxasReport report)
    {
        Match tile = TilePattern().Match(entry.Name);
        if (!tile.Success)
        {
            entry.Name.Should().NotMatchRegex("^(Tiled|Tensor|FlashForward)", "these have tiles, which their names tell");
            return;
        }
        (int m, int n, int last) = (Number(tile, 2), Number(tile, 3), Number(tile, 4));
        bool isPlain = entry.Name.Contains(nameof(PlainScore), StringComparison.Ordinal);
        switch (tile.Groups[1].Value)
        {
            case "TiledMatmul": // four k of 8 x 8 a lane, whose factors are two vectors of A and two of B
                Multiplies(report, 4 * 64, 4 * 4, entry.Name.Contains("zero hides", StringComparison.Ordinal) ? null : LoopItself);
                break;
            case "FlashForward": // a lane: rows x keys of S, four elements a step; then rows x 4 columns of O, four keys a step
                const int lanesX = 16;
                (int rows, int keys, int columns) = (m * lanesX / entry.GroupSize, n / lanesX, last / (4 * lanesX));
                Multiplies(report, 4 * rows * keys, rows + keys, isPlain ? LoopItself : LoopBesideMasks);
                if (isPlain) Multiplies(report, 16 * rows * columns, rows + (4 * columns), LoopItself);
                break;
            case "TensorMatmul":
                MatmulSteps(entry, report, m, n);
                break;
            case "TensorFlashForward" when entry.Name.Contains(" tf32x3 ", StringComparison.Ordinal):
                // Three products for one in two loops, 8 deep. Q K^T: 16 x 8 of Q, 16 x 8 of K a load; P V: two loads for 8 x 16 of V.
                int rowBlocks = m / 64;
                double perProduct = rowBlocks > 1 ? 6.25 : 7.75;
                ProductsOfParts(report, 3 * rowBlocks * (n / 8), rowBlocks + (n / 16), 0, perProduct);
                ProductsOfParts(report, 3 * rowBlocks * (last / 8), 0, 2 * (last / 16), perProduct);
                break;
            case "TensorFlashForward": // Q K^T and P V of Br / 4 rows a warp; 16 x 16 elements of Q, K or V a load
                (int blocks, int depth) = (m / 64, last / 16);
                Products(report, 2 * blocks * (n / 8) * depth, depth * (blocks + (2 * (n / 16))), isPlain ? 11 : int.MaxValue);
                break;
            default:
                throw new InvalidOperationException($"What does the tile of {entry.Name} imply?");
        }
    }

    /// <param name="report">The machine code.</param>
    /// <param name="ffma">Multiply-adds of the loop.</param>
    /// <param name="loads">Its 128-bit loads.</param>
    /// <param name="others">Most other instructions; null: not looked at, a weight of 0 hides its value there.</param>
    private static void Multiplies(PtxasReport report, int ffma, int loads, int? others)
    {
        // The shortest: one in which a weight of 0 hides its value is longer.
        MachineLoop? loop = report.Loops.Where(l => l.IsInnermost && l.Count("FFMA") == ffma && l.Count("LDS.128") == loads)
            .MinBy(l => l.Length);
        loop.Should().NotBeNull("the tile implies a loop of {0} multiply-adds and {1} loads", ffma, loads);
        if (others is { } most) (loop!.Length - ffma - loads).Should().BeLessThanOrEqualTo(most, "others");
    }

    private static void Products(PtxasReport report, int products, int loads, int perProduct)
    {
        MachineLoop? loop = report.Loops.Where(l => l.Count("HMMA") == products).MinBy(l => l.Length);
        loop.Should().NotBeNull("the tile implies a loop of {0} products", products);
        loop!.Count("LDSM").Should().Be(loads);
        loop.Count("LDGSTS").Should().BePositive("the next tile is on its way meanwhile");
        ((double)loop.Length / products).Should().BeLessThanOrEqualTo(perProduct, "instructions a product");
    }

    /// <summary>
    /// Four products deep; a fragment of 16 rows or columns a load, or four loads where words along the outer axis are not transposed.
    /// </summary>
    private static void MatmulSteps(KernelEntry entry, PtxasReport report, int m, int n)
    {
        bool Has(string part) => entry.Name.Contains(part, StringComparison.Ordinal);
        bool isParts = Has(" tf32x3->"), isWords = isParts || Has(" tf32->");
        int blocksA = m > 64 ? 4 : 2, blocksB = m * n >= 128 * 128 ? 4 : 2; // of 16 rows or columns, a warp
        int wordsA = isWords && Has(" A-outer") ? 4 * blocksA : 0, wordsB = isWords && Has(" B-outer") ? 4 * blocksB : 0;
        int words = wordsA + wordsB, matrices = (wordsA > 0 ? 0 : blocksA) + (wordsB > 0 ? 0 : blocksB);
        int products = blocksA * 2 * blocksB;
        if (isParts)
            ProductsOfParts(report, 3 * products, matrices, words, m > 64 ? 5.75 : 7.25);
        else
            WholeSteps(
                report, 4 * products, 4 * matrices, 4 * words, (m + n) * 8 / entry.GroupSize,
                isWords ? 4 * (blocksA + blocksB) * 4 * 2 : 0);
    }

    /// <summary>
    /// The loop over whole steps: beside products, loads, copies and the rounding of operands a few instructions a copy for its address,
    /// and some forty for the stages and the loop.
    /// </summary>
    private static void WholeSteps(PtxasReport report, int products, int matrices, int words, int copies, int rounding)
    {
        MachineLoop? loop = report.Loops.Where(l => l.IsInnermost && l.Count("HMMA") == products).MinBy(l => l.Length);
        loop.Should().NotBeNull("the tile implies a loop of {0} products", products);
        loop!.Count("LDSM").Should().Be(matrices);
        loop.Count("LDS").Should().Be(words + 3, "ptxas puts three loads that never run in front of copies behind a barrier");
        loop.Count("LDGSTS").Should().Be(copies);
        (loop.Length - products - matrices - words - 3 - copies - rounding).Should().BeLessThanOrEqualTo((4 * copies) + 40);
    }

    /// <summary>A loop of products of parts: half of the instructions beside them split operands, and a third add to C.</summary>
    private static void ProductsOfParts(PtxasReport report, int products, int matrices, int words, double perProduct)
    {
        MachineLoop? loop = report.Loops
            .Where(l => l.IsInnermost && l.Count("HMMA") == products && (matrices == 0 || l.Count("LDSM") == matrices) &&
                (words == 0 || l.Count("LDS") == words)).MinBy(l => l.Length);
        loop.Should().NotBeNull(
            "the tile implies a loop of {0} products, {1} loads of matrices and {2} of words", products, matrices, words);
        ((double)loop!.Length / products).Should().BeLessThanOrEqualTo(perProduct, "instructions a product");
    }

    private static int Number(Match match, int group) => int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(\w+) \S+ (\d+)x(\d+)(?: D<=| D by |x)(\d+)")]
    private static partial Regex TilePattern();
}
