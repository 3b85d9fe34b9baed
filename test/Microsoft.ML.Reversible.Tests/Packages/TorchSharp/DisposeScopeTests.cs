using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Packages.Torch;

[TestClass]
[DoNotParallelize]
public class DisposeScopeTests
{
    [TestMethod]
    public void AScopeDisposesWhatWasMadeInIt()
    {
        Tensor x;
        using (var scope = NewDisposeScope())
        {
            x = ones(2);
            using var sum = x + 1;
            Assert.IsTrue(scope.Contains(x));
            Assert.AreEqual(2, scope.DisposablesCount);
            Assert.AreSame(scope, CurrentDisposeScope);
        }

        Assert.IsTrue(x.IsInvalid);
        Assert.ThrowsExactly<InvalidOperationException>(() => x.Handle);
        Assert.ThrowsExactly<InvalidOperationException>(() => x.sum());
    }

    [TestMethod]
    public void MovedTensorsOutliveTheirScopeUntilTheOuterOneEnds()
    {
        Tensor x, y;
        using (NewDisposeScope())
        {
            using (var inner = NewDisposeScope())
            {
                x = ones(2).MoveToOuterDisposeScope();
                y = inner.MoveToOuter(ones(2));
            }

            Assert.IsFalse(x.IsInvalid);
            Assert.IsFalse(y.IsInvalid);
        }

        Assert.IsTrue(x.IsInvalid);
        Assert.IsTrue(y.IsInvalid);
    }

    [TestMethod]
    public void DetachedTensorsOutliveAllScopes()
    {
        Tensor x;
        using (NewDisposeScope())
        {
            x = ones(2).DetachFromDisposeScope();
        }

        Assert.AreEqual(2f, x.sum().item<float>());
        x.Dispose();
    }

    [TestMethod]
    public void AttachedTensorsEndWithTheScope()
    {
        var x = ones(2);
        using (var scope = NewDisposeScope())
        {
            scope.Attach(x);
            Assert.IsTrue(scope.Contains(x));
        }

        Assert.IsTrue(x.IsInvalid);
    }

    [TestMethod]
    public void MovingToAnotherScopeFollowsThatScope()
    {
        Tensor x;
        using var outer = NewDisposeScope();
        using (NewDisposeScope())
        {
            x = ones(2).MoveToOtherDisposeScope(outer);
        }

        Assert.IsFalse(x.IsInvalid);
        Assert.IsTrue(outer.Contains(x));
    }

    [TestMethod]
    public void EverythingButTheKeptIsDisposedAtOnce()
    {
        using var scope = NewDisposeScope();
        var (a, b, c) = (ones(1), ones(1), ones(1));
        scope.DisposeEverythingBut(b);
        Assert.IsTrue(a.IsInvalid && c.IsInvalid);
        Assert.IsFalse(b.IsInvalid);
        Assert.AreEqual(1, scope.DisposablesCount);
    }

    [TestMethod]
    public void StatisticsCountWhatHappenedOnTheThread() => OnFreshThread(() =>
    {
        var statistics = DisposeScopeManager.Statistics;
        statistics.Reset();
        var outside = ones(1);
        using (NewDisposeScope())
        {
            ones(1).DetachFromDisposeScope();
            ones(1).Dispose();
            ones(1);
        }

        Assert.AreEqual(1, statistics.CreatedOutsideScopeCount);
        Assert.AreEqual(3, statistics.CreatedInScopeCount);
        Assert.AreEqual(2, statistics.DisposedInScopeCount);
        Assert.AreEqual(1, statistics.DetachedFromScopeCount);
        outside.Dispose();
        Assert.AreEqual(1, statistics.DisposedOutsideScopeCount);
    });

    [TestMethod]
    public void AScopeIsOfOneThread() => OnFreshThread(() =>
    {
        using var scope = NewDisposeScope();
        Tensor? made = null;
        var thread = new Thread(() => made = ones(1));
        thread.Start();
        thread.Join();
        Assert.IsFalse(scope.Contains(made!));
        made!.Dispose();
    });

    [TestMethod]
    public void CollectedTensorsFreeTheirMemory()
    {
        var before = Tensor.TotalCount;
        MakeAndForget(200);
        for (var i = 0; i < 20 && Tensor.TotalCount > before + 50; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.IsLessThanOrEqualTo(before + 50, Tensor.TotalCount);
    }

    private static void MakeAndForget(int count)
    {
        for (var i = 0; i < count; i++)
        {
            _ = ones(1);
        }
    }

    private static void OnFreshThread(Action test)
    {
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                test();
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        if (failure is not null)
        {
            throw new AssertFailedException(failure.Message, failure);
        }
    }
}
