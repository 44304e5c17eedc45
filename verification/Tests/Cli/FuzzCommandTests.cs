using AttnKernels.Cli.Commands;

namespace AttnKernels.Tests.Cli;

/// <summary>A run of the fuzzer that can check nothing is refused.</summary>
public class FuzzCommandTests
{
    [Theory]
    [InlineData("--seconds", "NaN")]
    [InlineData("--seconds", "1e300")]
    [InlineData("--seconds", "-1")]
    [InlineData("--seconds", "0")]
    [InlineData("--count", "0")]
    [InlineData("--count", "-5")]
    public void Numbers_that_run_nothing_are_refused(string option, string value) =>
        FuzzCommand.Create().Parse(["-d", "cpu", $"{option}={value}"]).Errors
            .Should().ContainSingle().Which.Message.Should().StartWith(option);

    [Fact]
    public void A_run_that_ends_before_its_first_problem_has_not_passed() =>
        FuzzCommand.Create().Parse(["-d", "cpu", "--seconds=1e-9"]).Invoke().Should().Be(Report.Usage);

    [Fact]
    public void A_problem_is_checked() =>
        FuzzCommand.Create().Parse(["-d", "cpu", "--count=1", "--operation=rotary"]).Invoke().Should().Be(Report.Success);
}
