using System.Reflection;
using System.Runtime.CompilerServices;
using AttnKernels.Cli.Features;

namespace AttnKernels.Tests.Cli;

/// <summary>README.md says what is built, and no member of a problem is left out of it.</summary>
public sealed class FeatureTests
{
    [Fact]
    public void Readme_says_what_is_built()
    {
        string readme = File.ReadAllText(ReadmePath());
        readme.Should().Be(FeatureTable.Refresh(readme, FeatureTable.Render()), "'attn features --readme README.md' refreshes it");
    }

    [Fact]
    public void Every_member_of_a_problem_has_a_row()
    {
        object[] problems = [.. FeatureForms.Sections.SelectMany(s => s.Rows).SelectMany(r => r.Problems).Select(p => p(DType.BFloat16))];
        foreach (IGrouping<Type, object> forms in problems.GroupBy(p => p.GetType()))
        {
            IEnumerable<string> unused = forms.Key.GetProperties()
                .Where(p => p.SetMethod is not null && !p.IsDefined(typeof(RequiredMemberAttribute)))
                .Where(p => forms.Select(p.GetValue).Distinct().Count() < 2)
                .Select(p => p.Name);
            unused.Except([nameof(AttentionProblem.Type), nameof(AttentionProblem.Batch)])
                .Should().BeEmpty($"FeatureForms has a row for each form of {forms.Key.Name}");
        }
        problems.Select(p => p.GetType()).Distinct().Should().BeEquivalentTo(
            typeof(AttentionDevice).GetMethods().Where(m => m.Name == nameof(AttentionDevice.Plan) && !m.IsGenericMethod)
                .Select(m => m.GetParameters()[0].ParameterType).Append(typeof(RuledProblem)));
    }

    [Fact]
    public void What_is_not_built_is_not_claimed()
    {
        MatmulProblem matmul = new() { M = 1, N = 1, K = 1 };
        string[] lines = FeatureTable.Render([new("Matmul", ["one", "two"],
        [
            new("plain", t => matmul with { Type = t }, t => matmul with { TypeA = t }),
        ])]).Split('\n');
        lines[^2].Should().Be("| plain | all | all | all | fp32 |");
    }

    [Fact]
    public void A_problem_that_contradicts_itself_is_no_form()
    {
        Action render = () => FeatureTable.Render([new("Matmul", ["one"], [new("none", t => new MatmulProblem { M = 0, N = 1, K = 1 })])]);
        render.Should().Throw<ArgumentException>();
    }

    [Fact]
    public void Only_a_file_with_markers_is_refreshed()
    {
        FeatureTable.Refresh("a\n<!-- features:start -->\nold\n<!-- features:end -->\nb\n", "new\n")
            .Should().Be("a\n<!-- features:start -->\nnew\n<!-- features:end -->\nb\n");
        Action refresh = () => FeatureTable.Refresh("a\nb\n", "new\n");
        refresh.Should().Throw<InvalidDataException>();
    }

    private static string ReadmePath([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", "..", "..", "README.md"));
}
