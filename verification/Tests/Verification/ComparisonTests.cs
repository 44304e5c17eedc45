using AttnKernels.Verification;

namespace AttnKernels.Tests.Verification;

/// <summary>The comparator refuses what it must refuse.</summary>
public class ComparisonTests
{
    private static Expected One(double value, double bound)
    {
        Expected expected = new("T", [1], 1);
        (expected.Values[0], expected.Bounds[0]) = (value, bound);
        return expected;
    }

    [Fact]
    public void Accepts_an_error_within_the_bound() => Comparison.Of(One(1, 1e-3), [1.0005f]).Passed.Should().BeTrue();

    [Fact]
    public void Throws_where_nothing_is_compared()
    {
        Action compare = () => Comparison.Of(new Expected("T", [2, 3], 3, rows: []), new float[6]);
        compare.Should().Throw<InvalidOperationException>().WithMessage("T: no element was compared");
    }

    [Theory]
    [InlineData(0.5, true)]
    [InlineData(2, false)]
    public void Bounds_above_every_element_prove_nothing(double bound, bool passes)
    {
        Expected expected = new("T", [16], 16);
        Array.Fill(expected.Values, 1);
        Array.Fill(expected.Bounds, bound);
        Comparison result = Comparison.Of(expected, Enumerable.Repeat(1f, 16).ToArray());
        (result.Passed, result.ToString().Contains("prove nothing", StringComparison.Ordinal)).Should().Be((passes, !passes));
    }

    [Fact]
    public void The_bound_of_a_sum_too_long_for_its_precision_is_infinite() =>
        Rounding.Gamma(1 << 24).Should().Be(double.PositiveInfinity);

    [Fact]
    public void Refuses_an_error_of_twice_the_bound()
    {
        Comparison result = Comparison.Of(One(1, 1e-3), [1.002f]);
        result.Passed.Should().BeFalse();
        result.Worst.Should().BeApproximately(2, 1e-3);
    }

    [Theory]
    [InlineData(1.0, float.NaN)]
    [InlineData(1.0, float.PositiveInfinity)]
    [InlineData(double.NaN, 1f)]
    [InlineData(double.NaN, float.PositiveInfinity)]
    [InlineData(double.NegativeInfinity, float.MinValue)]
    [InlineData(double.NegativeInfinity, float.PositiveInfinity)]
    [InlineData(double.NegativeInfinity, float.NaN)]
    public void Refuses_the_wrong_special_value(double expected, float got)
    {
        Comparison result = Comparison.Of(One(expected, 1e30), [got]);
        result.Failures.Should().Be(1);
        result.Worst.Should().Be(double.PositiveInfinity);
    }

    [Theory]
    [InlineData(double.NaN, float.NaN)]
    [InlineData(double.NegativeInfinity, float.NegativeInfinity)]
    public void Accepts_the_right_special_value(double expected, float got) =>
        Comparison.Of(One(expected, 0), [got]).Passed.Should().BeTrue();

    [Fact]
    public void Refuses_anything_but_the_value_where_the_bound_is_zero()
    {
        Comparison.Of(One(0, 0), [0f]).Passed.Should().BeTrue();
        Comparison.Of(One(0, 0), [float.Epsilon]).Passed.Should().BeFalse();
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(-1e-3)]
    public void Throws_on_a_bound_that_checks_nothing(double bound)
    {
        Action compare = () => Comparison.Of(One(1, bound), [1f]);
        compare.Should().Throw<InvalidOperationException>().WithMessage("*checks nothing*");
    }

    [Fact]
    public void Names_the_worst_element()
    {
        Expected expected = new("T", [2, 3], 3);
        Array.Fill(expected.Bounds, 1);
        Comparison result = Comparison.Of(expected, [0, 0, 0, 0, 0.5f, 3]);
        result.At.Should().Equal(1, 2);
        result.Failures.Should().Be(1);
        result.Worst.Should().Be(3);
        result.ToString().Should().Contain("T[1,2]");
    }

    [Fact]
    public void Looks_at_the_sampled_rows_only()
    {
        Expected expected = new("T", [3, 2], 2, [0, 2]);
        Array.Fill(expected.Bounds, 1);
        Comparison result = Comparison.Of(expected, [0, 0, 9, 9, 0, 0.5f]);
        result.Passed.Should().BeTrue();
        result.At.Should().Equal(2, 1);
    }
}
