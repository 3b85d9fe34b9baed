using System.Diagnostics.CodeAnalysis;

namespace TorchSharp;

public static partial class torch
{
    // Owns one native handle. The methods are spread over files by concept.
    public partial class Tensor : IDisposable
    {
        private static long _totalCount, _peakCount;

        private IntPtr _handle;

        // Throws the pending native error where the handle is null.
        internal Tensor(IntPtr handle)
        {
            if (handle == 0)
                Native.Throw();
            _handle = handle;
            var count = Interlocked.Increment(ref _totalCount);
            if (count > Volatile.Read(ref _peakCount))
                RaisePeak(count);
            OwningDisposeScope = DisposeScopeManager.OfThisThread.Register(this);
        }

        private Tensor() => GC.SuppressFinalize(this);

        ~Tensor() => Dispose(false);

        public static long TotalCount => Interlocked.Read(ref _totalCount);

        public static long PeakCount => Interlocked.Read(ref _peakCount);

        internal DisposeScope OwningDisposeScope { get; set; }

        public IntPtr Handle
        {
            get
            {
                if (_handle == 0)
                    ThrowInvalid();
                return _handle;
            }
        }

        public bool IsInvalid => _handle == 0;

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            var handle = Interlocked.Exchange(ref _handle, 0);
            if (handle == 0)
                return;
            if (disposing)
                Leave();
            Interlocked.Decrement(ref _totalCount);
            Native.ts_free(handle);
        }

        // Leaves the native tensor to the caller; this object is of no more use.
        public IntPtr DecoupleFromNativeHandle()
        {
            var handle = Interlocked.Exchange(ref _handle, 0);
            if (handle == 0)
                ThrowInvalid();
            GC.SuppressFinalize(this);
            Leave();
            Interlocked.Decrement(ref _totalCount);
            return handle;
        }

        public static Tensor UnsafeCreateTensor(IntPtr handle) => new(handle);

        public Tensor MoveToOuterDisposeScope()
        {
            OwningDisposeScope?.MoveToOuter(this);
            return this;
        }

        public Tensor MoveToOtherDisposeScope(DisposeScope other)
        {
            if (OwningDisposeScope is null && other is not null)
                other.Attach((IDisposable)this);
            else
                OwningDisposeScope?.MoveToOther(other, this);
            return this;
        }

        public Tensor MoveToOtherDisposeScope(Tensor other) => MoveToOtherDisposeScope(other.OwningDisposeScope);

        public Tensor DetachFromDisposeScope()
        {
            OwningDisposeScope?.Detach(this);
            return this;
        }

        // Its scope disposes it and has counted it already.
        internal void ForgetScope()
        {
            OwningDisposeScope = null;
            _leavingScope = true;
        }

        private bool _leavingScope;

        private void Leave()
        {
            if (OwningDisposeScope is { } scope)
                scope.MarkAsDisposed(this);
            else if (!_leavingScope)
                DisposeScopeManager.Statistics.TensorStatistics.DisposedOutsideScope++;
        }

        // The arguments stay reachable until the native call has returned: a finalizer must not free what it still reads.
        internal static Tensor Made(IntPtr handle, Tensor a)
        {
            var made = new Tensor(handle);
            GC.KeepAlive(a);
            return made;
        }

        internal static Tensor Made(IntPtr handle, Tensor a, Tensor b)
        {
            var made = new Tensor(handle);
            GC.KeepAlive(a);
            GC.KeepAlive(b);
            return made;
        }

        internal static Tensor Made(IntPtr handle, Tensor a, Tensor b, Tensor c)
        {
            GC.KeepAlive(c);
            return Made(handle, a, b);
        }

        internal static Tensor Made(IntPtr handle, IEnumerable<Tensor> tensors)
        {
            var made = new Tensor(handle);
            GC.KeepAlive(tensors);
            return made;
        }

        internal Tensor Done(int status, Tensor a = null, Tensor b = null)
        {
            GC.KeepAlive(a);
            GC.KeepAlive(b);
            GC.KeepAlive(this);
            Native.Check(status);
            return this;
        }

        internal static unsafe (Tensor, Tensor) Two(int status, nint* handles, Tensor a)
        {
            GC.KeepAlive(a);
            Native.Check(status);
            return (new Tensor(handles[0]), new Tensor(handles[1]));
        }

        // Stands for a gradient that does not exist.
        internal static Tensor Invalid() => new();

        internal static IntPtr HandleOrNull(Tensor tensor) => tensor is null ? 0 : tensor.Handle;

        private static void RaisePeak(long count)
        {
            long seen;
            while (count > (seen = Volatile.Read(ref _peakCount)) && Interlocked.CompareExchange(ref _peakCount, count, seen) != seen) { }
        }

        [DoesNotReturn]
        private static void ThrowInvalid() => throw new InvalidOperationException("Tensor invalid -- empty handle.");
    }

    public static DisposeScope NewDisposeScope() => DisposeScopeManager.OfThisThread.Open();

    public static DisposeScope CurrentDisposeScope => DisposeScopeManager.OfThisThread.Current;
}
