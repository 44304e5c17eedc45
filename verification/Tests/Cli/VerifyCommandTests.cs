using AttnKernels.Cli.Commands;

namespace AttnKernels.Tests.Cli;

/// <summary>A part of the case set is one of as many as there are.</summary>
public class VerifyCommandTests
{
    [Theory]
    [InlineData("0/8")]
    [InlineData("9/8")]
    [InlineData("-1/8")]
    [InlineData("1/0")]
    [InlineData("1")]
    [InlineData("1/2/3")]
    [InlineData("a/b")]
    public void What_is_no_part_is_refused(string part) =>
        VerifyCommand.Create().Parse(["-d", "cpu", $"--part={part}"]).Errors
            .Should().ContainSingle().Which.Message.Should().StartWith("--part").And.EndWith($"is {part}.");

    [Theory]
    [InlineData("1/1")]
    [InlineData("8/8")]
    public void Parts_are_counted_from_1(string part) =>
        VerifyCommand.Create().Parse(["-d", "cpu", $"--part={part}"]).Errors.Should().BeEmpty();

    [Fact]
    public void A_part_without_cases_has_not_passed() =>
        VerifyCommand.Create().Parse(["-d", "cpu", "--filter=merge", "--size=Tiny", "--part=1/10000"]).Invoke().Should().Be(Report.Usage);
}
