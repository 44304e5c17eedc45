using AttnKernels.Bench.Measure;

namespace AttnKernels.Tests.Bench;

public class StatisticsTests
{
    [Fact]
    public void PercentilesInterpolateBetweenRanks()
    {
        // Ranks 0.2 * 4 = 0.8, 2 and 3.2 of 1 2 3 4 5.
        Statistics s = Statistics.Of([4, 1, 3, 2, 5]);
        s.P20.Should().BeApproximately(1.8, 1e-12);
        s.Median.Should().Be(3);
        s.P80.Should().BeApproximately(4.2, 1e-12);
        s.Count.Should().Be(5);
    }

    [Fact]
    public void MedianOfAnEvenCountIsTheMeanOfTheMiddle() => Statistics.Of([1, 10, 2, 4]).Median.Should().Be(3);

    [Fact]
    public void OneSampleIsAllThree() => Statistics.Of([7.5]).Should().Be(new Statistics(7.5, 7.5, 7.5, 1));

    [Fact]
    public void NoSamplesAreRefused() => FluentActions.Invoking(() => Statistics.Of([])).Should().Throw<ArgumentException>();
}
