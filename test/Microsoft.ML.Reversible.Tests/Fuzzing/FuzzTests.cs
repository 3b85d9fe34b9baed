namespace Microsoft.ML.Reversible.Tests.Fuzzing;

/// <summary>2,000 damaged files in all; 100,000 where the environment variable REVERSIBLE_FULL is 1.</summary>
[TestClass]
[DoNotParallelize]
public sealed class FuzzTests
{
    private static readonly int _mutants = Environment.GetEnvironmentVariable("REVERSIBLE_FULL") == "1" ? 100_000 : 2000;

    public static IEnumerable<object[]> Targets => FuzzTargets.All.Select(target => new object[] { target });

    [TestMethod]
    [DynamicData(nameof(Targets))]
    public void A_damaged_file_loads_or_is_refused_as_documented(object target)
    {
        using var run = new FuzzRun((FuzzTarget)target);
        int count = (_mutants + FuzzTargets.All.Count - 1) / FuzzTargets.All.Count;
        run.Run(count, seed: 20);
        Assert.IsGreaterThan(count / 4, run.Refused, $"{run.Refused} of {count} refused, {run.Loaded} loaded: the damage is too slight");
    }

    [TestMethod]
    public void The_same_seed_damages_in_the_same_way()
    {
        byte[] file = [.. "{\"n\": 12, \"name\": \"x\"}"u8];
        byte[][] first = Damage(3), second = Damage(3), other = Damage(4);
        for (int i = 0; i < first.Length; i++) CollectionAssert.AreEqual(first[i], second[i]);
        Assert.IsFalse(first.Zip(other).All(pair => pair.First.SequenceEqual(pair.Second)));

        byte[][] Damage(int seed)
        {
            var mutator = new FileMutator(seed);
            return [.. Enumerable.Range(0, 50).Select(_ => mutator.Mutate(file, [file]))];
        }
    }
}
