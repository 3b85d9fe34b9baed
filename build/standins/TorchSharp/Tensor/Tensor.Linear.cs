namespace TorchSharp;

public static partial class torch
{
    // Products.
    public partial class Tensor
    {
        public Tensor mm(Tensor target) => Made(Native.ts_mm(Handle, target.Handle), this, target);
        public Tensor bmm(Tensor batch2) => Made(Native.ts_bmm(Handle, batch2.Handle), this, batch2);
        public Tensor matmul(Tensor target) => Made(Native.ts_matmul(Handle, target.Handle), this, target);
        public Tensor mv(Tensor target) => Made(Native.ts_mv(Handle, target.Handle), this, target);
        public Tensor dot(Tensor target) => Made(Native.ts_dot(Handle, target.Handle), this, target);
        public Tensor outer(Tensor vec2) => Made(Native.ts_outer(Handle, vec2.Handle), this, vec2);
        public Tensor addmm(Tensor mat1, Tensor mat2, float beta = 1, float alpha = 1) =>
            Made(Native.ts_addmm(Handle, mat1.Handle, mat2.Handle, beta, alpha), this, mat1, mat2);
        public Tensor baddbmm(Tensor batch1, Tensor batch2, float beta = 1, float alpha = 1) =>
            Made(Native.ts_baddbmm(Handle, batch1.Handle, batch2.Handle, beta, alpha), this, batch1, batch2);
        public Tensor addmm_(Tensor mat1, Tensor mat2, float beta = 1, float alpha = 1) =>
            Done(Native.ts_addmm_(Handle, mat1.Handle, mat2.Handle, beta, alpha), mat1, mat2);
    }
}
