/** The sign of the product: half a slice of lime on a conveyor. */
export function Mark({ size = 26 }: { size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 26 26"
      fill="none"
      stroke="var(--lime)"
      strokeWidth="2"
      aria-hidden="true"
    >
      <path d="M3 16a10 10 0 0 1 20 0Z" strokeLinejoin="round" />
      <path d="M13 15.5V9.5M13 15.5 7.6 11.4M13 15.5l5.4-4.1" strokeLinecap="round" strokeWidth="1.7" />
      <path d="M2 20h22" strokeLinecap="round" strokeWidth="1.8" />
      <circle cx="6.5" cy="23.5" r="1.2" fill="var(--lime)" stroke="none" />
      <circle cx="13" cy="23.5" r="1.2" fill="var(--lime)" stroke="none" />
      <circle cx="19.5" cy="23.5" r="1.2" fill="var(--lime)" stroke="none" />
    </svg>
  );
}
